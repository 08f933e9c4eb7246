import type { Redis } from '@orrery/kit/redis';
import { redisFailed } from '../errors.ts';
import { keys, shardOfTenant } from '../core/keys.ts';

export interface VersionView {
  readonly definition: string;
  readonly current: boolean;
  readonly running: number;
  readonly queued: number;
  /** The run that keeps it longest. */
  readonly oldestRun: string;
  readonly oldestAtMs: number;
}

export interface VersionsView {
  readonly workflow: string;
  /** Undefined when the release no longer has it. */
  readonly current: string | undefined;
  /** No run in flight keeps an earlier definition. */
  readonly drained: boolean;
  readonly versions: readonly VersionView[];
}

const runsMax = 4000;

/**
 * Under which definitions the runs of a workflow are in flight. New runs have the current one, and runs keep theirs for life, so an
 * earlier one drains by itself: this says how far it is. `migrate` makes a run go on with the current one.
 */
export async function readVersions(
  redis: Redis,
  of: { readonly tenant: string; readonly workflow: string; readonly shards: readonly string[] },
  current: string | undefined,
): Promise<VersionsView> {
  const shard = shardOfTenant(of.tenant, of.shards);
  const places = [keys.slots(shard, of.tenant, of.workflow), keys.queue(shard, of.tenant, of.workflow)];
  const asking = Promise.all(places.map((place) => redis.zrange(place, '0', String(runsMax - 1))));
  const [running = [], queued = []] = await asking.catch(failed);
  const found = new Map<string, VersionView>();
  for (const run of [...running, ...queued]) {
    const [definition, created] = await redis.hmget(keys.run(shard, run), 'definition', 'created').catch(failed);
    if (typeof definition !== 'string') continue;
    const createdMs = Number(created);
    const seen = found.get(definition);
    const isOldest = seen === undefined || createdMs < seen.oldestAtMs;
    const isRunning = running.includes(run);
    found.set(definition, {
      definition,
      current: definition === current,
      running: (seen?.running ?? 0) + (isRunning ? 1 : 0),
      queued: (seen?.queued ?? 0) + (isRunning ? 0 : 1),
      oldestRun: isOldest ? run : seen.oldestRun,
      oldestAtMs: isOldest ? createdMs : seen.oldestAtMs,
    });
  }
  const versions = [...found.values()].sort((left, right) => right.oldestAtMs - left.oldestAtMs);
  return { workflow: of.workflow, current, drained: versions.every((each) => each.current), versions };
}

function failed(error: unknown): never {
  throw redisFailed('reading the versions of a workflow', error);
}
