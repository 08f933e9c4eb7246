import { messageOf } from '@orrery/kit/errors';
import { readAlarms, type Alarm } from './alarms.ts';
import { timesToFire } from './catch-up.ts';
import type { Dial } from './dial.ts';
import { DueHeap } from './due-heap.ts';
import { Firing, type FiringDeps, type Job } from './firing.ts';
import { ownerOf } from './rendezvous.ts';
import type { Peers, TriggeredWorkflow, Watermarks } from './types.ts';

export interface ClocksDeps extends FiringDeps {
  readonly watermarks: Watermarks;
  readonly peers: Peers;
}

interface Wanted {
  readonly workflows: readonly TriggeredWorkflow[];
  readonly seenMs: number;
}

/** All triggers that are due at the same times, or some that are looked at again. */
type Appointment = Dial | readonly Alarm[];

/** So much later than its owner another orchestrator fires a trigger whose watermark has not moved. */
export const patienceMs = 100;
const retryMs = 1000;
const watermarksMax = 1000;
/** A timer can't hold longer than 24 days, and after a sleep of the machine the time of day has jumped. */
const sleepMaxMs = 60_000;

/**
 * Fires clocked triggers: every orchestrator would fire each of them, and the name of the run and the watermark see to it that one
 * does. The next due times lie in a heap, so that a look costs what is due, not what there is.
 */
export class Clocks {
  readonly #deps: ClocksDeps;
  readonly #firing: Firing;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #done: Promise<void> | undefined;
  #heap = new DueHeap<Appointment>();
  #alarms = new Map<string, Alarm>();
  #alarmsOf = new Map<Dial, readonly Alarm[]>();
  #wanted: Wanted | undefined;
  /** Whose triggers are whose, for as long as the peers stay the same. */
  #owned = new WeakMap<readonly string[], Map<string, boolean>>();

  constructor(deps: ClocksDeps) {
    this.#deps = deps;
    this.#firing = new Firing(deps);
  }

  /**
   * What there is to fire from here on. A trigger that was there before goes on where it was; one that has never fired begins at this
   * moment and doesn't make up for times before.
   */
  rebuild(workflows: readonly TriggeredWorkflow[]): void {
    this.#wanted = { workflows, seenMs: this.#deps.clock.now() };
    this.#wake.abort('woken');
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** Lets the look in progress end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#deps;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      let untilMs: number;
      try {
        if (this.#wanted !== undefined) await this.#install(this.#wanted);
        await this.#look();
        untilMs = this.#heap.earliestMs ?? Infinity;
      } catch (error) {
        log.warn({ reason: messageOf(error) }, 'the clocks of the triggers must wait');
        untilMs = clock.now() + retryMs;
      }
      const waitMs = Math.min(sleepMaxMs, untilMs - clock.now());
      // A stop aborts the wake-up too.
      if (waitMs > 0) await clock.sleep(waitMs, this.#wake.signal);
    }
  }

  async #install(wanted: Wanted): Promise<void> {
    const { clock, log } = this.#deps;
    const alarms = await readAlarms(wanted.workflows, { known: this.#alarms, seenMs: wanted.seenMs, log });
    const unknown = [...alarms.values()].filter(({ key }) => !this.#alarms.has(key));
    await this.#readWatermarks(unknown, (alarm, lastMs) => lastMs ?? alarm.settledMs);
    // Another rebuild that came meanwhile stays wanted, and is installed by the next look.
    if (this.#wanted === wanted) this.#wanted = undefined;
    this.#owned = new WeakMap();
    this.#alarms = alarms;
    this.#alarmsOf = Map.groupBy(alarms.values(), ({ dial }) => dial);
    this.#heap = new DueHeap();
    const nowMs = clock.now();
    this.#turn([...this.#alarmsOf.keys()], nowMs);
    this.#arm([...alarms.values()], nowMs);
  }

  async #look(): Promise<void> {
    const nowMs = this.#deps.clock.now();
    const due: Alarm[] = [];
    const dials: Dial[] = [];
    for (let next = this.#heap.pop(nowMs); next !== undefined; next = this.#heap.pop(nowMs)) {
      if ('turn' in next) dials.push(next);
      else due.push(...disarmed(next));
    }
    for (const dial of dials) due.push(...(this.#alarmsOf.get(dial) ?? []).filter(({ armed }) => !armed));
    this.#turn(dials, nowMs);
    const { own = [], other = [] } = Object.groupBy(new Set(due), (alarm) => (this.#owns(alarm) ? 'own' : 'other'));
    try {
      await this.#fire(own.flatMap((alarm) => this.#job(alarm, nowMs, nowMs)));
      this.#armUnsettled(own, this.#deps.clock.now());
      await this.#lookAfter(other, nowMs);
    } catch (error) {
      this.#armUnsettled([...own, ...other], nowMs + retryMs);
      throw error;
    }
  }

  /** Fires what its owner has not fired in time, and comes back for what is still the owner's. */
  async #lookAfter(alarms: readonly Alarm[], nowMs: number): Promise<void> {
    const overdueMs = nowMs - patienceMs;
    const late = alarms.filter((alarm) => this.#job(alarm, overdueMs, nowMs).length > 0);
    await this.#readWatermarks(late, (alarm, lastMs) => Math.max(alarm.settledMs, lastMs ?? 0));
    await this.#fire(late.flatMap((alarm) => this.#job(alarm, overdueMs, nowMs)));
    this.#armUnsettled(alarms, nowMs + patienceMs);
  }

  #job(alarm: Alarm, untilMs: number, nowMs: number): Job[] {
    if (alarm.settledMs >= untilMs) return [];
    const { fire, settledMs } = timesToFire(alarm.dial, alarm.catchUp, { settledMs: alarm.settledMs, untilMs, nowMs });
    if (fire.length > 0) return [{ alarm, times: fire, settledMs }];
    alarm.settledMs = settledMs;
    return [];
  }

  async #fire(jobs: readonly Job[]): Promise<void> {
    this.#arm(await this.#firing.fire(jobs), this.#deps.clock.now() + retryMs);
  }

  async #readWatermarks(
    alarms: readonly Alarm[],
    settled: (alarm: Alarm, lastMs: number | undefined) => number,
  ): Promise<void> {
    for (let start = 0; start < alarms.length; start += watermarksMax) {
      const page = alarms.slice(start, start + watermarksMax);
      const last = await this.#deps.watermarks.last(page.map(({ place }) => place));
      for (const [index, alarm] of page.entries()) alarm.settledMs = settled(alarm, last[index]);
    }
  }

  #turn(dials: readonly Dial[], nowMs: number): void {
    for (const dial of dials) {
      dial.turn(nowMs);
      if (dial.nextMs !== undefined) this.#heap.push(dial.nextMs, dial);
    }
  }

  /** Those with times that came by and are not decided: of a full look, of other owners, and during a call that took long. */
  #armUnsettled(alarms: readonly Alarm[], atMs: number): void {
    const nowMs = this.#deps.clock.now();
    const left = alarms.filter((alarm) => !alarm.armed && alarm.dial.between(alarm.settledMs, nowMs, 1).length > 0);
    this.#arm(left, atMs);
  }

  #arm(alarms: readonly Alarm[], atMs: number): void {
    if (alarms.length === 0) return;
    for (const alarm of alarms) alarm.armed = true;
    this.#heap.push(atMs, alarms);
  }

  #owns({ key }: Alarm): boolean {
    const { peers } = this.#deps;
    const live = peers.live();
    const known = this.#owned.get(live) ?? new Map<string, boolean>();
    this.#owned.set(live, known);
    const kept = known.get(key);
    if (kept !== undefined) return kept;
    const owns = (ownerOf(key, live) ?? peers.self) === peers.self;
    known.set(key, owns);
    return owns;
  }
}

function disarmed(alarms: readonly Alarm[]): readonly Alarm[] {
  for (const alarm of alarms) alarm.armed = false;
  return alarms;
}
