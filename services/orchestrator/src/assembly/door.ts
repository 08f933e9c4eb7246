import type { Clock } from '@orrery/kit/clock';
import type { Redis } from '@orrery/kit/redis';
import { resultBytesMax } from '../work/attempt.ts';
import type { OrchestratorContext } from '../config.ts';
import { graceDefaultMs } from '../control/controls.ts';
import { Door } from '../door/door.ts';
import { openPoolPort } from '../door/pool-port.ts';
import type { PoolPort } from '../door/types.ts';
import { keys, shardOfRun, shardOfTenant } from '../core/keys.ts';
import type { StepInputs } from '../work/step-inputs.ts';
import type { Transitions } from '../core/transitions.ts';

export interface DoorParts {
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly transitions: Transitions;
  readonly inputs: StepInputs;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Where the workers of others come in, and what wakes the lines that they stand in. */
export function assembleDoor({ config, token, log }: OrchestratorContext, parts: DoorParts) {
  const { redis, shards, transitions, inputs, clock, random } = parts;
  const { leaseMs, pollMs } = config.settings;
  const open = new Map<PoolPort, { readonly shard: string; readonly pools: readonly string[] }>();
  const door = new Door({
    ...{ token, leaseMs, resultBytesMax, log },
    graceMs: graceDefaultMs,
    now: () => clock.now(),
    openPool(demand) {
      const port = openPoolPort(demand, { leaseMs, pollMs, transitions, clock, random, log });
      open.set(port, demand);
      const close = () => {
        open.delete(port);
        port.close();
      };
      return { ...port, close };
    },
    shardsOf: (tenant) => (tenant === '*' ? shards : [shardOfTenant(tenant, shards)]),
    shardOfRun,
    resolveInput: (claimed) => inputs.resolveInput(claimed),
    async tenantOf(run) {
      const shard = shardOfRun(run);
      return shard === undefined ? undefined : ((await redis.hget(keys.run(shard, run), 'tenant')) ?? undefined);
    },
  });
  return {
    door,
    wake(shard: string, pool: string): void {
      for (const [port, place] of open) if (place.shard === shard && place.pools.includes(pool)) port.wake();
    },
    /** The pools that are served here. */
    places: () => [...open.values()].flatMap(({ shard, pools }) => pools.map((pool) => ({ shard, pool }))),
  };
}
