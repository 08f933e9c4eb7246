import type { Redis } from 'ioredis';
import { outboxKeys } from './bullmq-library.ts';
import type { Check } from './types.ts';

const eventsAtOnce = 1000;
/** What its stream tells of every job, however it was added. */
const expected = ['added', 'active', 'completed'] as const;

/** Whether its outbox has published what happened to each of the jobs, of which so many have completed. */
export async function auditOutbox(client: Redis, completed: number): Promise<Check> {
  const jobs: Record<string, Set<string>> = { added: new Set(), active: new Set(), completed: new Set() };
  let from = '-';
  while (true) {
    const entries = await client.xrange(outboxKeys.published, from, '+', 'COUNT', eventsAtOnce);
    for (const [, fields] of entries) jobs[fieldOf(fields, 'event')]?.add(fieldOf(fields, 'jobId'));
    const last = entries.at(-1)?.[0];
    if (last === undefined || entries.length < eventsAtOnce) break;
    from = `(${last}`;
  }
  const found = expected.map((event) => `${event} ${jobs[event]?.size ?? 0}`).join(', ');
  const holds = expected.every((event) => (jobs[event]?.size ?? 0) >= completed);
  return { what: 'each job was published as added, active and completed', holds, found: `${found} of ${completed}` };
}

function fieldOf(fields: readonly string[], name: string): string {
  return fields[fields.indexOf(name) + 1] ?? '';
}
