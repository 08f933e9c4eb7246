import type { Meter } from '../measure.ts';
import type { Fsync, MeasuredRedis } from '../redis.ts';
import type { Kind, Workload } from '../workloads.ts';

export type EngineName = 'orrery' | 'bullmq' | 'restate';

export interface EngineOptions {
  readonly meter: Meter;
  readonly fsync: Fsync;
  /** Worker processes. */
  readonly workers: number;
  /** Steps at the same time over all worker processes. */
  readonly slots: number;
  /** Where each process of the engine leaves a CPU profile when it ends. Default: none. */
  readonly profiles?: string;
  /** Whether events also reach ClickHouse; of ours only. */
  readonly history: boolean;
  /** Whether the events of a peer that has no outbox are published as well, as ours are. */
  readonly peerOutbox: boolean;
}

/** What one workload gave. */
export interface Outcome {
  /** From the first call that hands work in until the handler of the last step has returned. */
  readonly wallMs: number;
  /** Until the last piece of work was handed in. */
  readonly submitMs: number;
  /** name -> latencies in ms. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
  /** Guarantees that were looked at, and whether they held. */
  readonly checks: readonly Check[];
}

export interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly found: string;
}

/** One engine with all its processes; it is started anew for each workload and round. */
export interface Engine {
  readonly name: EngineName;
  readonly version: string;
  /** The store, where its store is Redis and it has started. */
  readonly redis: MeasuredRedis | undefined;
  /** How the engine expresses this kind where that is not what the workload says; '' where it is. */
  remark(kind: Kind): string;
  /** Why this kind can't be carried out; undefined where it can. */
  lacks(kind: Kind): string | undefined;
  /** Starts all processes, ready for these workloads. */
  start(workloads: readonly Workload[]): Promise<void>;
  /** Throws when work is not done within a bound. */
  run(workload: Workload): Promise<Outcome>;
  /** Waits until what the work has left to do behind it (events to hand on) is done. */
  settle(): Promise<void>;
  /** Looks at what the work has left; what that costs is not measured. */
  audit(): Promise<readonly Check[]>;
  stop(): Promise<void>;
}
