import { digestOf, isDigest, type Digest } from '@orrery/contracts/digest';
import type { LedgerEntry, PinMoved } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import type { Log } from '@orrery/kit/log';
import { createPeer } from '@orrery/kit/peer';
import { retry } from '@orrery/kit/retry';
import { CommandError, messageOf } from '../errors.ts';
import { withLivePairs } from '../release/create.ts';
import { acquireLock } from '../promotion/lock.ts';
import { movePin, readPin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import type { Places } from '../release/places.ts';
import { readRelease, recordRelease } from '../release/records.ts';
import type { Supervisor } from './supervisor.ts';

export interface DeployerOptions {
  readonly places: Places;
  readonly supervisor: Supervisor;
  readonly token: string;
  readonly registryUrl: () => string | undefined;
  readonly log: Log;
  readonly now: () => Date;
}

export interface Deployment {
  readonly kind: PinMoved['kind'];
  readonly release: Digest;
  readonly binding: Digest;
  readonly actor: string;
  readonly reason: string;
}

/** Changes what `local` stands on, together with what runs: both, or neither. */
export class Deployer {
  private readonly options: DeployerOptions;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: DeployerOptions) {
    this.options = options;
  }

  /** Runs another release, then moves the pin to it. When it does not come up, pin and processes are as before. */
  deploy(deployment: Deployment): Promise<{ entry: LedgerEntry; replaced: string[] }> {
    return this.inTurn(() => this.move(deployment));
  }

  private async move(deployment: Deployment): Promise<{ entry: LedgerEntry; replaced: string[] }> {
    const { places, supervisor } = this.options;
    const { kind, release, binding, actor, reason } = deployment;
    const progress = (line: string) => this.options.log.info(line);
    const pin = await renderTarget(places, { environment: 'local', release, binding, progress });
    const moved: LedgerEntry[] = [];
    const lease = await acquireLock(places, 'local', { holder: `${actor}: ${kind} local` });
    try {
      const { replaced } = await supervisor.apply(pin, () => {
        const at = this.options.now().toISOString();
        moved.push(movePin(places, 'local', { kind, pin, actor, reason, at, fence: lease.fence }));
      });
      await this.tellRegistry(release);
      const [entry] = moved;
      if (entry === undefined) throw new TypeError('the pin did not move');
      return { entry, replaced };
    } finally {
      await lease.release();
    }
  }

  /** Makes the release in which a pair is live, and deploys it. A pair that is live already changes nothing. */
  goLive(model: string, pair: string, actor: string, reason: string): Promise<object> {
    return this.inTurn(() => this.makeLive(model, pair, actor, reason));
  }

  private async makeLive(model: string, pair: string, actor: string, reason: string): Promise<object> {
    if (!isDigest(pair)) {
      const message = `"${pair}" is no pair`;
      throw new CommandError({
        code: 'PAIR_INVALID',
        message,
        hint: 'name a pair by its digest: GET /v1/pairs of registry',
      });
    }
    const pin = this.requirePin();
    const current = readRelease(this.options.places, pin.release);
    if (current.release.live[model] === pair)
      return { release: current.digest, previous: current.digest, reused: true };
    await this.assertStaged(model, pair);
    const release = withLivePairs(current.release, { ...current.release.live, [model]: pair });
    const recorded = recordRelease(this.options.places, 'local', release, {
      commit: current.provenance.commit,
      base: digestOf('release', withLivePairs(release, {})),
      createdAt: this.options.now().toISOString(),
      actor,
      reason: `${model}: ${reason}`,
    });
    await this.move({ kind: 'go-live', release: recorded.digest, binding: pin.binding, actor, reason });
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

  /** One change at a time, from reading what is pinned to having moved it. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work, work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private requirePin(): Pin {
    const pin = readPin(this.options.places, 'local');
    if (pin !== undefined) return pin;
    throw new CommandError({ code: 'PIN_MISSING', message: 'local has no pin', hint: 'npm start makes the first one' });
  }
}
