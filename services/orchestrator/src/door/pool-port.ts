import { PoolClient, type PoolClientOptions } from '../core/pool-client.ts';
import type { Transitions } from '../core/transitions.ts';
import type { PoolDemand, PoolPort } from './types.ts';

export interface PoolPortOptions extends Omit<PoolClientOptions, 'shard' | 'pools' | 'transitions' | 'onWork'> {
  readonly transitions: Pick<Transitions, 'exchange' | 'beat'>;
}

const beatsMax = 256;
const codes = { held: 1, lost: 0, stopping: 2 } as const;

/** A pool of the core, as the door takes from it. */
export function openPoolPort(
  { tenant, shard, pools, demand, onWork }: PoolDemand,
  { transitions, ...options }: PoolPortOptions,
): PoolPort {
  const alone = tenant === '*' ? {} : { tenant };
  const client = new PoolClient({
    ...options,
    ...alone,
    ...{ shard, pools, transitions, demand },
    onWork: (claimed, _, asked) => onWork(claimed, asked),
  });
  client.wake();
  return {
    finish: (ending) => client.finish(ending),
    async beat(beats) {
      const { leaseMs } = options;
      const held: (0 | 1 | 2)[] = [];
      for (let start = 0; start < beats.length; start += beatsMax) {
        const rows = beats.slice(start, start + beatsMax);
        const answers = await transitions.beat(
          shard,
          rows.map(({ progress = '', ...lease }) => ({ ...lease, leaseMs, progress })),
        );
        held.push(...answers.map((answer) => codes[answer]));
      }
      return held;
    },
    wake: () => client.wake(),
    close: () => client.stop(),
  };
}
