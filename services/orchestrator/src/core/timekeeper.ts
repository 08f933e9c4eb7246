import type { Loop, LoopOptions } from '../loop.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import type { Transitions } from './transitions.ts';

export interface TimekeeperDeps {
  readonly shards: readonly string[];
  readonly transitions: Pick<Transitions, 'tick' | 'purge'>;
  readonly metrics: Pick<OrchestratorMetrics, 'lapses' | 'timers'>;
  readonly tickMs: number;
  readonly openLoop: (options: Pick<LoopOptions, 'name' | 'idleMs' | 'round'>) => Loop;
}

export interface Timekeeper {
  start(): void;
  /** Calls left work behind in this shard. */
  wake(shard: string): void;
  stop(): Promise<void>;
}

const purgeIdleMs = 60_000;

/** What happens because time passes, in every shard: leases that ran out, timers, wide work that goes on. Every orchestrator does it. */
export function openTimekeeper({ shards, transitions, metrics, tickMs, openLoop }: TimekeeperDeps): Timekeeper {
  const ticks = new Map(
    shards.map((shard) => {
      const round = async () => {
        const { lapsed, fired, more } = await transitions.tick(shard);
        metrics.lapses.inc(lapsed);
        metrics.timers.inc(fired);
        return more;
      };
      return [shard, openLoop({ name: `time ${shard}`, idleMs: tickMs, round })];
    }),
  );
  const purges = shards.map((shard) => {
    const round = async () => (await transitions.purge(shard)) > 0;
    return openLoop({ name: `purge ${shard}`, idleMs: purgeIdleMs, round });
  });
  const loops = [...ticks.values(), ...purges];
  return {
    start() {
      for (const loop of loops) loop.start();
    },
    wake: (shard) => ticks.get(shard)?.wake(),
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
    },
  };
}
