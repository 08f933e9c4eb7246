import { randomUUID } from 'node:crypto';
import type { Clock } from '@orrery/kit/clock';
import type { Redis } from '@orrery/kit/redis';
import type { OrchestratorContext } from '../config.ts';
import { Bulk } from '../control/bulk.ts';
import { Controls } from '../control/controls.ts';
import { Explainer } from '../control/explainer.ts';
import { Intake } from '../control/intake.ts';
import { Scopes } from '../control/scopes.ts';
import { readVersions } from '../control/versions.ts';
import type { Catalogue } from '../definitions.ts';
import type { Door } from '../door/door.ts';
import { explainRun } from '../history/explain.ts';
import { verifyRun } from '../history/verify.ts';
import type { History } from '../history/history.ts';
import { keys } from '../core/keys.ts';
import { limitKeysOf } from '../work/limit-keys.ts';
import type { MemoryGate } from '../core/memory-gate.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import type { Started } from '../routes/started.ts';
import type { RunReader } from '../runs/run-reader.ts';
import { RunViews } from '../runs/run-views.ts';
import { Runs } from '../runs/runs.ts';
import type { Transitions } from '../core/transitions.ts';
import { hookSecret, readDelivery } from '../triggers/webhook.ts';
import type { assembleTriggers } from './triggers.ts';

export interface ApiParts {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly catalogue: Catalogue;
  readonly transitions: Transitions;
  readonly reader: RunReader;
  readonly gate: MemoryGate;
  readonly metrics: OrchestratorMetrics;
  readonly triggers: ReturnType<typeof assembleTriggers>;
  readonly history: History;
  readonly door: Door;
  readonly clock: Clock;
  readonly onChange: () => void;
}

/** What the routes call. */
export function assembleApi({ token, config }: OrchestratorContext, parts: ApiParts): Started {
  const { redis, shards, catalogue, transitions, reader, gate, metrics, triggers, history, clock, onChange } = parts;
  const controls = new Controls({
    ...{ reader, transitions, catalogue, onChange },
    migrate: (shard, on, { definition, ...part }) =>
      transitions.control(shard, on, { verb: 'reset', ...part, definition }),
  });
  const errorOf = async (run: string, ref: string) => {
    const [text] = await redis.hmget(keys.data(reader.shardOf(run), run), `e:${ref}`);
    return typeof text === 'string' ? (JSON.parse(text) as unknown) : undefined;
  };
  const prices = new Map(Object.entries(config.settings.poolSecondPrices));
  return {
    ...{ catalogue, reader, controls, backfills: triggers.backfills },
    runs: new Runs({
      ...{ catalogue, transitions, gate, shards, clock, metrics },
      // A run that is taken in takes nothing from those who work, and what it makes ready wakes them by itself.
      limitKeysOf: ({ definition }, { parameters, ...run }) => limitKeysOf(definition, { parameters, run }),
    }),
    views: new RunViews(reader),
    workers: (tenant) => parts.door.workers().filter((worker) => worker.tenant === tenant || worker.tenant === '*'),
    bulk: new Bulk({ reader, controls }),
    scopes: new Scopes({ redis, transitions, catalogue, shards, onChange }),
    explainer: new Explainer(redis, reader),
    intake: new Intake({
      ...{ transitions, reader, shards, clock, onChange },
      newId: randomUUID,
      trigger: (happenings) => triggers.handle(happenings),
      readDelivery: (delivery) => readDelivery(delivery, { token, nowMs: clock.now() }),
      async updateDataset({ tenant }, name, atMs) {
        await triggers.updateDataset(tenant, name, atMs);
        await triggers.handle([{ kind: 'dataset', id: `${name}/${atMs}`, tenant, name, atMs }]);
      },
    }),
    hookSecret: (tenant, hook) => hookSecret(token, tenant, hook),
    versions: (tenant, workflow) =>
      readVersions(redis, { tenant, workflow, shards }, catalogue.find(tenant, workflow)?.plan.digest),
    history: {
      events: (tenant, run, limit) => history.events(tenant, run, limit),
      verify: (tenant, run) => verifyRun(history.database, tenant, run),
      explain: (tenant, run) => explainRun(history.database, { tenant, run }, { nowMs: clock.now(), prices, errorOf }),
    },
  };
}
