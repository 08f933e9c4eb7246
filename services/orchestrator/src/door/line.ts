import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { ErrorClass } from '../core/step-lease.ts';
import type { Claimed, DoorOptions, Ending, Lease, PoolPort, Resolved } from './types.ts';

/** A connected worker, as far as a line of steps knows it. */
export interface Seat {
  readonly handlers: ReadonlySet<string>;
  readonly isOpen: boolean;
  /** Slots that are neither taken nor set aside. */
  free(): number;
  /** How many of them this line may fill now; a line that gets none is woken when there are some, and comes before others. */
  offer(line: Line): number;
  /** Keeps slots for an exchange in progress; a negative count gives them back. */
  setAside(count: number): void;
  /** Slots were given back: others may want them. */
  freed(): void;
  give(claimed: Claimed, resolved: Resolved, line: Line): void;
}

export interface Place {
  readonly tenant: string;
  readonly shard: string;
  readonly pool: string;
  readonly build: string;
}

const claimsMax = 256;
/** How long a step stays here whose handler only busy workers have, before it goes back into the line. */
const busyMs = 250;
/** How often a step is left to another build; of a run that is pinned to this one, no other takes it. */
const bouncesMax = 20;
const bouncesKept = 10_000;

/** The steps of one pool in one shard, and the workers of one build connected here that take them. */
export class Line {
  readonly place: Place;
  readonly port: PoolPort;
  readonly #options: DoorOptions;
  #seats: Seat[] = [];
  /** A seat for each slot that exchanges in progress may fill. */
  #asides: Seat[] = [];
  #next = 0;
  /** The last exchange found fewer steps than it was to claim: what comes next, the port learns by itself. */
  isDry = false;

  /** Steps that were left to another build, and how often. */
  readonly #bounces = new Map<string, number>();
  #restUntilMs = 0;
  /** Whether another build of the pool has the handler. */
  readonly #isElsewhere: (handler: string, line: Line) => boolean;

  constructor(place: Place, options: DoorOptions, isElsewhere: (handler: string, line: Line) => boolean) {
    this.place = place;
    this.#isElsewhere = isElsewhere;
    this.#options = options;
    const { tenant, shard, pool, build } = place;
    // Pinned runs can go nowhere else, so their line is asked first.
    const pools = [`${pool}@${build}`, pool];
    this.port = options.openPool({
      ...{ tenant, shard, pools },
      demand: () => this.#demand(),
      onWork: (claimed, asked) => this.#onWork(claimed, asked),
    });
  }

  get isEmpty(): boolean {
    return this.#seats.length === 0;
  }

  has(handler: string): boolean {
    return this.#seats.some((seat) => seat.handlers.has(handler));
  }

  enter(seat: Seat): void {
    this.#seats.push(seat);
    this.isDry = false;
  }

  leave(seat: Seat): void {
    this.#seats = this.#seats.filter((each) => each !== seat);
  }

  serves(tenant: string): boolean {
    return this.place.tenant === '*' || this.place.tenant === tenant;
  }

  /** Hands in an ending that no worker made. */
  end(ending: Ending): void {
    this.port.finish(ending).catch((error: unknown) => {
      const { run, ref, fence } = ending;
      const told = { run, ref, fence, reason: messageOf(error) };
      this.#options.log.warn(told, 'an ending could not be handed in: the lease will run out');
    });
  }

  giveBack({ run, ref, fence }: Lease, reason: string): void {
    this.end({ run, ref, fence, outcome: 'returned', payload: '', reason });
  }

  fail({ run, ref, fence }: Lease, error: unknown, errorClass: ErrorClass): void {
    const known = error instanceof OrreryError ? error : undefined;
    const told = {
      code: known?.code ?? 'INPUT_UNRESOLVED',
      message: messageOf(error).slice(0, 4000),
      hint: known?.hint ?? 'see the log of the orchestrator: npx orrery logs orchestrator',
    };
    const reason = `${told.code}: ${told.message}`.slice(0, 500);
    const retryable = known === undefined || known.retry === 'retryable';
    const payload = JSON.stringify(told);
    this.end({ run, ref, fence, outcome: 'failed', payload, class: errorClass, retryable, reason });
  }

  /** Spreads what may be claimed over the seats, one slot at a time: few steps then go to many workers. */
  #demand(): number {
    if (this.#options.now() < this.#restUntilMs) return 0;
    const start = this.#next % Math.max(1, this.#seats.length);
    this.#next += 1;
    const open = [...this.#seats.slice(start), ...this.#seats.slice(0, start)]
      .map((seat) => ({ seat, free: seat.offer(this) }))
      .filter(({ free }) => free > 0);
    const sum = open.reduce((count, { free }) => count + free, 0);
    const total = Math.min(sum, claimsMax);
    let asked = 0;
    for (let round = 1; asked < total; round += 1) {
      for (const { seat, free } of open) {
        if (asked === total) break;
        if (free < round) continue;
        seat.setAside(1);
        this.#asides.push(seat);
        asked += 1;
      }
    }
    return total;
  }

  #onWork(claimed: readonly Claimed[], asked: number): void {
    const seats = this.#asides.splice(0, asked);
    if (asked > 0) this.isDry = claimed.length < asked;
    const unused = seats.slice(claimed.length);
    for (const seat of unused) seat.setAside(-1);
    for (const [index, each] of claimed.entries()) this.#place(each, seats[index]);
    for (const seat of new Set(unused)) seat.freed();
  }

  /** Without a seat when the port claimed more than it was asked to. */
  #place(claimed: Claimed, seat: Seat | undefined): void {
    if (!this.serves(claimed.tenant)) {
      const { run, ref, tenant: owner } = claimed;
      this.#options.log.error({ run, ref, owner, ...this.place }, "another tenant's step was claimed");
      this.#letGo(seat);
      this.giveBack(claimed, `TENANT_WRONG: claimed for the tenant ${this.place.tenant}`);
      return;
    }
    const fail = (error: unknown) => {
      this.#letGo(seat);
      this.fail(claimed, error, 'inputs');
    };
    try {
      const resolved = this.#options.resolveInput(claimed);
      if (resolved instanceof Promise) resolved.then((told) => this.#hand(claimed, told, seat)).catch(fail);
      else this.#hand(claimed, resolved, seat);
    } catch (error) {
      fail(error);
    }
  }

  #hand(claimed: Claimed, resolved: Resolved, kept: Seat | undefined): void {
    const { handler } = resolved;
    const others = this.#seats.filter((seat) => seat.handlers.has(handler));
    const fits = kept?.isOpen === true && kept.handlers.has(handler);
    const seat = fits ? kept : others.find((each) => each.free() > 0);
    if (seat === undefined && others.length > 0) {
      // The slot stays set aside: else the worker that lacks the handler would claim the next such step at once.
      setTimeout(() => {
        this.#letGo(kept);
        this.giveBack(claimed, `HANDLER_BUSY: the workers here that have the handler ${handler} have no free slot`);
      }, busyMs).unref();
      return;
    }
    kept?.setAside(-1);
    seat?.give(claimed, resolved, this);
    if (kept !== seat) kept?.freed();
    if (seat !== undefined) return;
    if (this.#bounce(claimed, handler)) this.giveBack(claimed, `HANDLER_ELSEWHERE: another build has ${handler}`);
    else if (this.isEmpty) this.giveBack(claimed, 'WORKER_LEFT: the worker left before it could be given the step');
    else this.fail(claimed, this.#handlerMissing(handler), 'unavailable');
  }

  #bounce({ run, ref }: Claimed, handler: string): boolean {
    const step = `${run}|${ref}`;
    const count = this.#bounces.get(step) ?? 0;
    if (count >= bouncesMax || !this.#isElsewhere(handler, this)) return false;
    if (this.#bounces.size >= bouncesKept) this.#bounces.clear();
    this.#bounces.set(step, count + 1);
    // Else this line would claim it again in the very exchange that gives it back.
    this.#restUntilMs = this.#options.now() + busyMs;
    setTimeout(() => this.port.wake(), busyMs).unref();
    return true;
  }

  #letGo(seat: Seat | undefined): void {
    seat?.setAside(-1);
    seat?.freed();
  }

  #handlerMissing(handler: string): OrreryError {
    const known = [...new Set(this.#seats.flatMap((seat) => [...seat.handlers]))].sort();
    const message = `no worker of the pool ${this.place.pool} that is connected here has the handler "${handler}"`;
    const hint = `they have ${known.slice(0, 20).join(', ')}: correct with.handler, or start workers that have it`;
    return new OrreryError({ code: 'HANDLER_MISSING', message, hint, retry: 'retryable' });
  }
}
