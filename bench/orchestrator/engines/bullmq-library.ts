import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Redis } from 'ioredis';

/** The part of BullMQ's face that is used here. It is no dependency of ours, so its own types can't be imported. */
export interface Bullmq {
  readonly Queue: new (
    name: string,
    options: { connection: unknown; streams: { events: { maxLen: number } } },
  ) => Queue;
  readonly FlowProducer: new (options: { connection: unknown }) => FlowProducer;
  readonly Worker: new (
    name: string,
    processor: (job: Job) => Promise<unknown>,
    options: { connection: unknown; concurrency: number },
  ) => Worker;
}

export interface Queue {
  waitUntilReady(): Promise<unknown>;
  add(name: string, data: JobData, options: JobOptions): Promise<unknown>;
  addBulk(jobs: readonly NewJob[]): Promise<unknown>;
  upsertJobScheduler(
    id: string,
    repeat: { pattern: string },
    template: { name: string; data: JobData; opts: JobOptions },
  ): Promise<unknown>;
  getJobCounts(...states: string[]): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export interface FlowProducer {
  add(flow: Flow): Promise<unknown>;
  close(): Promise<void>;
}

export interface Worker {
  waitUntilReady(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface Job {
  readonly id: string;
  readonly name: string;
  readonly data: JobData;
  getChildrenValues(): Promise<Record<string, unknown>>;
}

export interface JobData {
  /** Children of which the results are read. */
  readonly expected?: number;
  /** When it was asked for, by the clock that all processes share. */
  readonly askedAtMs?: number;
  readonly sample?: string;
  readonly busyMs?: number;
  readonly schedule?: string;
  readonly wide?: number;
}

export interface JobOptions {
  readonly attempts: number;
  readonly backoff: { readonly type: 'exponential'; readonly delay: number };
  readonly removeOnComplete: boolean;
  readonly removeOnFail: boolean;
}

export interface NewJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: JobOptions;
}

export interface Flow extends NewJob {
  readonly queueName: string;
  readonly children?: readonly Flow[];
}

export const peersFolder = path.join(import.meta.dirname, '../peers');
export const queueName = 'work';
/** Its own keeps the last 10,000 events: what is published from there must not be dropped before. */
export const eventsMax = 10_000_000;
/** Its stream of events, and of its outbox where they are published and how far that is. */
export const outboxKeys = {
  events: `bull:${queueName}:events`,
  published: `outbox:{${queueName}}:events`,
  position: `outbox:{${queueName}}:position`,
} as const;

/** Results are kept and failures tried again, as ours do it. */
export const jobOptions: JobOptions = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: false,
  removeOnFail: false,
};

export function loadBullmq(): { readonly bullmq: Bullmq; readonly connect: (url: string, password: string) => Redis } {
  const load = createRequire(path.join(peersFolder, 'package.json'));
  const bullmq: unknown = load('bullmq');
  const ioredis: unknown = load('ioredis');
  const { Redis: Client } = ioredis as { Redis: typeof Redis };
  return {
    bullmq: bullmq as Bullmq,
    // Its workers wait in Redis for work, so that a command must not give up.
    connect: (url, password) => new Client(url, { password, maxRetriesPerRequest: null }),
  };
}

export function peerVersion(name: string): string {
  const file = path.join(peersFolder, 'node_modules', name, 'package.json');
  if (!existsSync(file)) return 'not installed';
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
