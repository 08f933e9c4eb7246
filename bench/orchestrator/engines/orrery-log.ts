import { runEventsTopic } from '@orrery/contracts/run-event';
import type { Redis } from 'ioredis';
import type { Check } from './types.ts';

const entriesAtOnce = 200;

/** Whether the log, as the bus has it, is whole: `n` of the shard and `sequence` of each run without a gap. */
export async function auditLog(client: Redis): Promise<Check[]> {
  const numbers: number[] = [];
  const sequences = new Map<string, Set<number>>();
  for (const stream of await client.keys(`bus:{${runEventsTopic}:*}:events`)) {
    for await (const text of readStream(client, stream)) {
      const { n, events } = JSON.parse(text) as { n: number; events: [string, number][] };
      numbers.push(n);
      for (const [run, sequence] of events) {
        const known = sequences.get(run) ?? new Set();
        sequences.set(run, known.add(sequence));
      }
    }
  }
  const holes = countHoles(numbers);
  let runHoles = 0;
  for (const known of sequences.values()) runHoles += countHoles([...known]);
  const held = Object.entries(await client.hgetall('orchestrator:{s00}:held')).filter(([, leases]) => leases !== '0');
  return [
    {
      what: 'the log in the bus has no gap',
      holds: holes === 0 && numbers.length > 0,
      found: `${holes} in ${numbers.length}`,
    },
    { what: 'no run lacks an event', holds: runHoles === 0, found: `${runHoles} in ${sequences.size} runs` },
    { what: 'no slot is held', holds: held.length === 0, found: held.slice(0, 3).join(' ') },
  ];
}

/** How many whole numbers lack between 1 and the highest. */
export function countHoles(numbers: readonly number[]): number {
  let most = 0;
  for (const number of numbers) most = Math.max(most, number);
  return most - new Set(numbers).size;
}

async function* readStream(client: Redis, stream: string): AsyncGenerator<string> {
  let from = '-';
  while (true) {
    const entries = await client.xrange(stream, from, '+', 'COUNT', entriesAtOnce);
    for (const [, fields] of entries) yield fields[fields.indexOf('v') + 1] ?? '';
    const last = entries.at(-1)?.[0];
    if (last === undefined || entries.length < entriesAtOnce) return;
    from = `(${last}`;
  }
}
