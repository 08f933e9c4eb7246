import { migrate, openClickHouse, type ClickHouse } from '@orrery/kit/clickhouse';
import { OrreryError } from '@orrery/kit/errors';
import { createJobs, type JobView } from '@orrery/kit/jobs';
import { createPeer, type Peer } from '@orrery/kit/peer';
import type { ServiceContext } from '@orrery/kit/service';
import { openStore } from '@orrery/kit/open-store';
import type { ObjectStore } from '@orrery/kit/store';
import { featuresDiffer, scoreDay } from './batch.ts';
import type { settings } from './config.ts';
import { modelNotLive } from './errors.ts';
import { loadPair, type LivePair } from './live-pair.ts';

type Context = ServiceContext<typeof settings>;
export type Row = Readonly<Record<string, unknown>>;

const batchesRunningMax = 4;

/** Answers by the pairs of the release that this instance was started with, and by no other. */
export class Scorer {
  readonly context: Context;
  private readonly pairs = new Map<string, LivePair>();
  private readonly features: Peer;
  private readonly client: ClickHouse;
  private readonly store: ObjectStore;
  private readonly jobs: ReturnType<typeof createJobs>;
  private started = false;

  constructor(context: Context) {
    this.context = context;
    const { store, clickhouse, peers, service } = context.config;
    const features = peers['features'];
    if (store === undefined || clickhouse === undefined || features === undefined) {
      const message = 'store, clickhouse or the peer features is missing';
      throw new OrreryError({ code: 'CONFIG_INVALID', message, hint: 'give scoring all three' });
    }
    this.store = openStore(store);
    this.client = openClickHouse({ ...clickhouse, token: context.token, service });
    this.features = createPeer({ name: 'features', url: features, token: context.token });
    this.jobs = createJobs({
      path: '/v1/batches',
      log: context.log,
      runningMax: batchesRunningMax,
      repeatSucceeded: true,
    });
  }

  async start(): Promise<void> {
    const { config, log } = this.context;
    for (const [model, digest] of Object.entries(config.live)) {
      const pair = await loadPair(this.store, digest, config.settings.threads);
      this.pairs.set(model, pair);
      log.info({ model, pair: digest, parity: pair.parity }, 'pair loaded, parity holds');
    }
    await migrate(this.client, { service: config.service, folder: new URL('../sql/', import.meta.url), log });
    this.started = true;
  }

  missing(): string[] {
    return this.started ? [] : ['the live pairs are not loaded'];
  }

  async stop(): Promise<void> {
    await this.jobs.stop();
    for (const pair of this.pairs.values()) await pair.close();
    await this.client.close();
  }

  list(): object[] {
    return [...this.pairs.values()].map((pair) => ({
      model: pair.model,
      pair: pair.digest,
      featureSet: pair.document.featureSet,
      parity: pair.parity,
    }));
  }

  /** Predictions for rows as a tenant knows them. The answer says by what it was made, and nothing of time. */
  async predict(model: string, rows: readonly Row[], who: { tenant: string; actor: string }): Promise<object> {
    const pair = this.pair(model);
    const { name, fingerprint } = pair.document.featureSet;
    const path = `/v1/feature-sets/${encodeURIComponent(name)}/vectors`;
    const answer = await this.features.call({ method: 'POST', path, body: { rows }, ...who });
    const features = answer.body as { fingerprint: string; vectors: Row[] };
    if (features.fingerprint !== fingerprint) throw featuresDiffer(pair, features.fingerprint);
    const predictions = await pair.predict(features.vectors);
    const { config, identity } = this.context;
    const factor = 10 ** config.settings.decimals;
    return {
      model,
      pair: pair.digest,
      release: identity.release,
      version: config.version.closure,
      unit: pair.spec.target.unit,
      predictions: Array.from(predictions, (value) => Math.round(value * factor) / factor),
    };
  }

  /** Scores a day into ClickHouse; the same day, pair and release again is the same job. */
  startBatch(model: string, day: string, tenant: string): JobView {
    const pair = this.pair(model);
    const { identity, config } = this.context;
    const scored = { tenant, model, pair: pair.digest, release: identity.release, day };
    const id = [tenant, model, pair.digest.slice(7, 19), identity.release.slice(7, 19), day].join('.');
    return this.jobs.start(id, (report, signal) =>
      scoreDay({
        scored,
        pair,
        features: this.features,
        store: this.store,
        client: this.client,
        batchRowsMax: config.settings.batchRowsMax,
        report,
        signal,
      }),
    );
  }

  batch(id: string): JobView | undefined {
    return this.jobs.view(id);
  }

  private pair(model: string): LivePair {
    const pair = this.pairs.get(model);
    if (pair === undefined) throw modelNotLive(model, [...this.pairs.keys()]);
    return pair;
  }
}
