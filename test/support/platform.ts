import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import type { Clone } from './clone.ts';

export interface ProcessView {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly port: number | null;
  readonly restarts: number;
}

/** The local environment of a clone, seen from outside. */
export function tokenOf(clone: Clone): string {
  return readFileSync(join(clone.state, 'state', 'token'), 'utf8').trim();
}

export function urlOf(clone: Clone, offset: number): string {
  return `http://127.0.0.1:${clone.portBase + offset}`;
}

export async function call<T>(clone: Clone, offset: number, path: string, body?: unknown): Promise<T> {
  const response = await fetch(urlOf(clone, offset) + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${tokenOf(clone)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

export async function processesOf(clone: Clone): Promise<ProcessView[]> {
  return (await call<{ processes: ProcessView[] }>(clone, 0, '/v1/status')).processes;
}

export function clickHouseOf(clone: Clone): ClickHouseClient {
  return createClient({ url: urlOf(clone, 3), username: 'default', password: tokenOf(clone), database: 'orrery' });
}

/** The first row of a query, as numbers. */
export async function numbers(client: ClickHouseClient, query: string): Promise<Record<string, number>> {
  const rows = await (await client.query({ query, format: 'JSONEachRow' })).json<Record<string, string | number>>();
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([key, value]) => [key, Number(value)]));
}

/**
 * Every process whose command line names the clone: what must be gone when the environment has ended. A Redis names nothing in its
 * command line; it is known by its working directory.
 */
export function processesNaming(folder: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    const line = quietly(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      .replaceAll('\0', ' ')
      .trim();
    const isRedis = line.includes('redis-server') && quietly(() => readlinkSync(`/proc/${pid}/cwd`)).startsWith(folder);
    return line.includes(folder) || isRedis ? [`${pid} ${line}`] : [];
  });
}

/** A process may end between two looks. */
function quietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
