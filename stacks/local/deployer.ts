import { isDeepStrictEqual } from 'node:util';
import { digestOf, isDigest, type Digest } from '@orrery/contracts/digest';
import type { PinMoved } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import type { Log } from '@orrery/kit/log';
import { createPeer } from '@orrery/kit/peer';
import { retry } from '@orrery/kit/retry';
import { CommandError, messageOf } from '../errors.ts';
import { runDeployment, type StandsOn, type Step } from '../promotion/deployment.ts';
import { movesOf, readLedger } from '../promotion/ledger.ts';
import type { Lease } from '../promotion/lock.ts';
import { lastMove, movePin, pinMissing } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { withLivePairs } from '../release/create.ts';
import type { Places } from '../release/places.ts';
import { readRelease, recordRelease } from '../release/records.ts';
import { renderEnvironment } from '../render/environment.ts';
import { assertRenderPinned } from '../render/pinned.ts';
import { holdLocal } from './hold.ts';
import { describeLauncher } from './launcher.ts';
import type { Plan, Supervisor } from './supervisor.ts';

export interface DeployerOptions {
  readonly places: Places;
  readonly supervisor: Supervisor;
  readonly token: string;
  readonly registryUrl: () => string | undefined;
  readonly log: Log;
  readonly now: () => Date;
}

export interface Change {
  /** `deploy`: nothing moves, what runs is brought to what the pin says. */
  readonly kind: PinMoved['kind'] | 'deploy';
  readonly pin: Pin;
  readonly actor: string;
  readonly reason: string;
}

export interface Deployed {
  /** The number of its entry in the ledger; null when there was nothing to do. */
  readonly deployment: number | null;
  /** What `rollback --to` takes to come back here. */
  readonly number: number;
  readonly pin: Pin;
  /** How the launcher of this clone starts it otherwise than the pin that was asked for says; null when it does not. */
  readonly launcher: string | null;
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  /** What takes its settings at the next start alone. */
  readonly postponed: readonly string[];
}

/** A pair that goes live waits its turn: its workflow has nothing else to do, and gives the step five minutes. */
const goLiveWaitMs = 240_000;

/** Changes what `local` stands on, together with what runs, step by step, each told in the ledger as it happens. */
export class Deployer {
  private readonly options: DeployerOptions;
  private readonly closing = new AbortController();
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(options: DeployerOptions) {
    this.options = options;
  }

  /**
   * Throws `ENVIRONMENT_LOCKED` (exit 3) while another change is under way. When it does not hold, all is as before. The render of the pin
   * that comes to stand is what this launcher makes of the release and the binding that were asked for.
   */
  deploy(change: Omit<Change, 'pin'> & { readonly pin?: Pin }): Promise<Deployed> {
    const { actor, kind, pin: asked } = change;
    return this.held({ holder: `${actor}: ${kind} local`, actor }, async (lease) => {
      if (asked === undefined) return this.change(lease, { ...change, pin: this.requirePin() });
      const { places } = this.options;
      const pin = await this.render(asked.release, asked.binding);
      const deployed = await this.change(lease, { ...change, pin });
      return { ...deployed, launcher: (await describeLauncher(places, asked, pin)) ?? null };
    });
  }

  /** Makes the release in which a pair is live, and deploys it. A pair that is live already changes nothing. */
  goLive(model: string, pair: string, actor: string, reason: string): Promise<object> {
    const turn = { holder: `${actor}: ${model} goes live`, actor, waitMs: goLiveWaitMs };
    return this.held(turn, (lease) => this.makeLive(lease, { model, pair, actor, reason }));
  }

  /** Lets no further change begin, and the one under way not go on; resolves when the ledger has its end. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.allSettled(this.underWay);
  }

  private held<T>(
    turn: { readonly holder: string; readonly actor: string; readonly waitMs?: number },
    work: (lease: Lease) => Promise<T>,
  ): Promise<T> {
    if (this.closing.signal.aborted) return Promise.reject(ending());
    const { places, log, now } = this.options;
    const progress = (line: string) => log.info(line);
    const result: Promise<T> = holdLocal({ places, ...turn, now, progress }, async (lease) => {
      if (this.closing.signal.aborted) throw ending();
      this.underWay.add(result);
      return work(lease);
    });
    const forget = () => this.underWay.delete(result);
    result.then(forget, forget);
    return result;
  }

  private async change(lease: Lease, change: Change): Promise<Deployed> {
    const { places, supervisor, log, now } = this.options;
    const { kind, pin, actor, reason } = change;
    const moves = kind !== 'deploy' && !isDeepStrictEqual(pin, this.requirePin());
    const plan = supervisor.plan(pin, { mends: !moves });
    const { replaced, removed } = plan;
    const standsThere = supervisor.release === pin.release && replaced.length + removed.length === 0;
    if (!moves && standsThere) return this.deployed(pin, null, plan);
    let isBack = false as boolean;
    const steps = this.stepsOf(plan, pin, () => {
      if (moves) movePin(places, 'local', { kind, pin, actor, reason, at: now().toISOString(), fence: lease.fence });
    });
    const putBack = async () => {
      isBack = true;
      return this.putBack(plan, pin);
    };
    const progress = (line: string) => log.info(line);
    const signal = this.closing.signal;
    try {
      const context = { places, environment: 'local', lease, actor, reason, now, progress };
      const { id } = await runDeployment({ ...context, pin, steps, signal, recover: putBack });
      return this.deployed(pin, id, plan);
    } catch (error) {
      log.error({ err: error }, 'the change did not hold');
      // Somebody else writes the ledger then; the processes are still this one's to put back.
      if (!isBack) await putBack();
      throw this.closing.signal.aborted ? ending() : error;
    }
  }

  private stepsOf(plan: Plan, pin: Pin, move: () => void): Step[] {
    const { supervisor } = this.options;
    const step = (name: string, run: () => Promise<void> | void): Step => ({
      name,
      run: async () => {
        await run();
        return undefined;
      },
    });
    return [
      step('verify', () => supervisor.verify(plan)),
      step('render', () => this.assertRenders(plan, pin)),
      step('materialise', () => supervisor.materialise(plan)),
      ...plan.replaced.map((launch) => step(`replace ${launch.name}`, () => supervisor.replace(launch))),
      step('settle', () => {
        move();
        supervisor.settle(plan);
      }),
      ...plan.removed.map((name) => step(`end ${name}`, () => supervisor.remove(name))),
      step('registry', () => this.tellRegistry(pin.release)),
    ];
  }

  /** What a pin says that it means is what it means. */
  private async assertRenders(plan: Plan, pin: Pin): Promise<void> {
    const { places, log } = this.options;
    const { recorded: release, binding } = plan;
    const progress = (line: string) => log.info(line);
    await assertRenderPinned(
      places,
      pin,
      await renderEnvironment(places, { environment: 'local', release, binding, progress }),
    );
  }

  /** What stood before runs again, unless the ledger has it already that the pin moved: then what was planned stays. */
  private async putBack(plan: Plan, pin: Pin): Promise<StandsOn> {
    const { places, supervisor, log } = this.options;
    if (isDeepStrictEqual(lastMove(readLedger(places, 'local'))?.event.pin, pin)) {
      const rest = supervisor.plan(pin);
      supervisor.settle(plan);
      return rest.replaced.length + rest.removed.length === 0 ? 'target' : 'partial';
    }
    // Everything ends: what stands is what starts next, and that is by the pin.
    if (this.closing.signal.aborted) return 'previous';
    const lost = await supervisor.putBack();
    if (lost.length > 0) log.error({ lost }, 'not all that ran before came back');
    return lost.length === 0 ? 'previous' : 'partial';
  }

  private deployed(pin: Pin, deployment: number | null, plan: Plan): Deployed {
    const number = movesOf(readLedger(this.options.places, 'local')).at(-1)?.ordinal ?? 0;
    const replaced = plan.replaced.map((launch) => launch.name);
    const { removed, postponed } = plan;
    return { deployment, number, pin, launcher: null, replaced, removed, postponed };
  }

  private render(release: Digest, binding: Digest): Promise<Pin> {
    const { places, log } = this.options;
    return renderTarget(places, { environment: 'local', release, binding, progress: (line) => log.info(line) });
  }

  private async makeLive(
    lease: Lease,
    { model, pair, actor, reason }: { model: string; pair: string; actor: string; reason: string },
  ): Promise<object> {
    if (!isDigest(pair)) {
      const message = `"${pair}" is no pair`;
      throw new CommandError({
        code: 'PAIR_INVALID',
        message,
        hint: 'name a pair by its digest: GET /v1/pairs of registry',
      });
    }
    const { places, now } = this.options;
    const { binding, release: standing } = this.requirePin();
    const current = readRelease(places, standing);
    if (current.release.live[model] === pair)
      return { release: current.digest, previous: current.digest, reused: true };
    await this.assertStaged(model, pair);
    const release = withLivePairs(current.release, { ...current.release.live, [model]: pair });
    const recorded = recordRelease(places, 'local', release, {
      commit: current.provenance.commit,
      base: digestOf('release', withLivePairs(release, {})),
      createdAt: now().toISOString(),
      actor,
      reason: `${model}: ${reason}`,
    });
    const pin = await this.render(recorded.digest, binding);
    await this.change(lease, { kind: 'go-live', pin, actor, reason });
    return { release: recorded.digest, previous: current.digest, reused: false };
  }

  /** Only what passed its gates goes live: the registry says so. */
  private async assertStaged(model: string, pair: Digest): Promise<void> {
    const url = this.options.registryUrl();
    if (url === undefined) return;
    const registry = createPeer({ name: 'registry', url, token: this.options.token });
    const answer = await registry.call({ method: 'GET', path: `/v1/pairs/${pair}`, actor: 'deployer' });
    const state = answer.body as { model: string; stage: string };
    if (state.model === model && ['staged', 'live', 'archived'].includes(state.stage)) return;
    throw new CommandError({
      code: 'PAIR_NOT_STAGED',
      message: `${pair} is a ${state.stage} pair of ${state.model}: it can't go live as ${model}`,
      hint: 'stage it first: POST /v1/pairs/{pair}/transitions of registry; a rejected pair never goes live',
    });
  }

  /** The registry keeps the history of what was live; it learns it after every move, and again at every start. */
  async tellRegistry(release: Digest): Promise<void> {
    const url = this.options.registryUrl();
    if (url === undefined) return;
    const { live } = readRelease(this.options.places, release).release;
    const peer = createPeer({ name: 'registry', url, token: this.options.token });
    const call = () => peer.call({ method: 'PUT', path: '/v1/live', body: { release, live }, actor: 'deployer' });
    await retry(call, { attemptsMax: 5, backoffMs: 100, backoffMaxMs: 1000 }).catch((error: unknown) => {
      this.options.log.warn(
        { reason: messageOf(error) },
        'the registry was not told what is live; it learns it at the next start',
      );
    });
  }

  private requirePin(): Pin {
    const pin = lastMove(readLedger(this.options.places, 'local'))?.event.pin;
    if (pin !== undefined) return pin;
    throw pinMissing('local', 'npm start makes the first one');
  }
}

function ending(): CommandError {
  const hint = 'its ledger tells how far a change came; start it: npx orrery up, then run the same command again';
  return new CommandError({ code: 'ENVIRONMENT_ENDING', message: 'the local environment was told to end', hint });
}
