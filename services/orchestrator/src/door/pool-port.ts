import { PoolClient, type PoolClientOptions } from '../pool-client.ts';
import type { Transitions } from '../transitions.ts';
import type { PoolDemand, PoolPort } from './types.ts';

export interface PoolPortOptions extends Omit<PoolClientOptions, 'shard' | 'pools' | 'transitions' | 'onWork'> {
  readonly transitions: Pick<Transitions, 'exchange' | 'beat'>;
}

/** The client always asks, and how much for is decided in the moment of each exchange. */
const standing = 256;
const beatsMax = 256;
const codes = { held: 1, lost: 0, stopping: 2 } as const;

/** A pool of the core, as the door takes from it. */
export function openPoolPort(
  { tenant, shard, pools, demand, onWork }: PoolDemand,
  { transitions, ...options }: PoolPortOptions,
): PoolPort {
  const alone = tenant === '*' ? {} : { tenant };
  const exchange: Transitions['exchange'] = async (place, asked, endings) => {
    const want = asked.want === 0 ? 0 : demand();
    if (want === 0 && endings.length === 0) return { codes: [], claimed: [] };
    try {
      const answer = await transitions.exchange(place, { ...asked, ...alone, want }, endings);
      client.take(answer.claimed.length);
      onWork(answer.claimed, want);
      return answer;
    } catch (error) {
      onWork([], want);
      throw error;
    }
  };
  const client = new PoolClient({ ...options, shard, pools, transitions: { exchange }, onWork: () => undefined });
  client.take(standing);
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
