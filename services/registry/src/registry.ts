import { join } from 'node:path';
import type { Pair } from '@orrery/contracts/pair';
import type { Model } from '@orrery/contracts/definitions/model';
import { OrreryError } from '@orrery/kit/errors';
import type { ServiceContext } from '@orrery/kit/service';
import { openStore } from '@orrery/kit/open-store';
import type { ObjectStore } from '@orrery/kit/store';
import { writeCard, type Card } from './card.ts';
import type { settings } from './config.ts';
import { readKept } from './documents.ts';
import { modelUnknown, pairUnknown, transitionRefused } from './errors.ts';
import { readEvidence } from './evidence.ts';
import { loadModels, type DefinedModel } from './models.ts';
import { createFilePairLog, type LogEvent, type PairLog } from './pair-log.ts';
import { mayBecome, Pairs, type PairState } from './pairs.ts';
import { judge, type Registration } from './registrations.ts';

type Context = ServiceContext<typeof settings>;

/** What the API does, in the registry's own words. */
export class Registry {
  readonly pairs = new Pairs();
  models: ReadonlyMap<string, DefinedModel> = new Map();
  private readonly context: Context;
  private readonly store: ObjectStore;
  private readonly log: PairLog;
  private started = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(context: Context) {
    this.context = context;
    const { store, dataFolder } = context.config;
    if (store === undefined || dataFolder === undefined) {
      throw new OrreryError({
        code: 'CONFIG_INVALID',
        message: 'store or dataFolder is missing',
        hint: 'give the registry both',
      });
    }
    this.store = openStore(store);
    this.log = createFilePairLog(join(dataFolder, 'pairs.jsonl'), () => new Date());
  }

  async start(): Promise<void> {
    this.models = await loadModels(join(this.context.config.definitionsFolder ?? '', 'models'));
    for (const entry of await this.log.open()) this.pairs.apply(entry);
    this.started = true;
  }

  missing(): string[] {
    return this.started ? [] : ['the log is not read'];
  }

  async stop(): Promise<void> {
    await this.turn;
    await this.log.close();
  }

  model(name: string): DefinedModel {
    const model = this.models.get(name);
    if (model === undefined) throw modelUnknown(name, [...this.models.keys()]);
    return model;
  }

  pair(digest: string, tenant: string): PairState {
    const state = this.pairs.get(digest, tenant);
    if (state === undefined) throw pairUnknown(digest);
    return state;
  }

  /** Registers a pair once; what is registered already is answered as it is. */
  async register(registration: Registration, tenant: string, actor: string): Promise<object> {
    const model = this.model(registration.model);
    const { parityRowsMin } = this.context.config.settings;
    const judged = await judge(this.store, registration, { tenant, model, parityRowsMin });
    return this.inTurn(async () => {
      const known = this.pairs.get(judged.pair, tenant);
      if (known === undefined) {
        const stage = judged.reasons.length === 0 ? 'registered' : 'rejected';
        const { pair, reasons } = judged;
        await this.append({ kind: 'registered', pair, tenant, model: registration.model, stage, reasons, actor });
      }
      const state = this.pair(judged.pair, tenant);
      return { ...state, ...judged.evidence, reused: known !== undefined };
    });
  }

  /** Moves a pair by hand or by its workflow. A pair that is there already, or further, stays. */
  async transition(
    digest: string,
    to: PairState['stage'],
    reason: string,
    who: { tenant: string; actor: string },
  ): Promise<object> {
    return this.inTurn(async () => {
      const state = this.pair(digest, who.tenant);
      if (state.stage === to || (to === 'staged' && state.stage === 'live')) return { ...state, reused: true };
      if (!mayBecome(state.stage, to)) throw transitionRefused(digest, state.stage, to, state.reasons);
      await this.append({ kind: 'transition', pair: digest, from: state.stage, to, reason, actor: who.actor });
      return { ...this.pair(digest, who.tenant), reused: false };
    });
  }

  /** Told by the deployer after every change of a pin: what it names is live, what it no longer names is archived. */
  async setLive(release: string, live: Readonly<Record<string, string>>, actor: string): Promise<object> {
    return this.inTurn(async () => {
      const last = this.pairs.lastLive();
      const same = last?.release === release && JSON.stringify(last.live) === JSON.stringify(live);
      if (!same) await this.append({ kind: 'live', release, live, actor });
      return { release, live, reused: same };
    });
  }

  async card(digest: string, tenant: string): Promise<Card> {
    this.pair(digest, tenant);
    const pair = await this.document(digest, tenant);
    const definition = await readKept<Model>(this.store, pair.modelDefinition);
    return writeCard(digest, pair, definition, await readEvidence(this.store, pair.files));
  }

  async document(digest: string, tenant: string): Promise<Pair> {
    this.pair(digest, tenant);
    return readKept<Pair>(this.store, digest);
  }

  private async append(event: LogEvent): Promise<void> {
    this.pairs.apply(await this.log.append(event));
  }

  /** One change at a time, so that what was checked still holds when it is written. */
  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work, work);
    this.turn = result.catch(() => undefined);
    return result;
  }
}
