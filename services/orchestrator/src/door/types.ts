import type { Acceptance, ClaimedStep, Ending as CoreEnding } from '../core/step-lease.ts';

/** The right to work on one attempt. All three are texts; the fence is a number in decimal digits that only grows. */
export interface Lease {
  readonly run: string;
  readonly ref: string;
  readonly fence: string;
}

/** A step as it was claimed. */
export type Claimed = ClaimedStep;

/** What a worker is told to do, once the expressions of the claimed step have been resolved. */
export interface Resolved {
  readonly handler: string;
  /** Any JSON. */
  readonly input: unknown;
  /** The step's name, as the definition has it. */
  readonly step: string;
  /** How long the attempt may take from here on; 0 when it has no bound. Never a time of day: clocks differ. */
  readonly deadlineMs: number;
  /** How long the handler may go on without a heartbeat of its own; absent or 0 for ever. */
  readonly heartbeatMs?: number;
}

/** How an attempt ended, as the core takes it. */
export type Ending = CoreEnding;

/** `repeated`: this very ending was accepted before. `stale`: the lease was lost, and the ending was refused. */
export type FinishCode = Acceptance;

/** A sign of life of an attempt; with a progress (JSON text, at most 2 KiB) it is the handler's own. */
export interface Beat extends Lease {
  /** When the attempt's own time is over, by the store's clock: a part of the lease's name there. */
  readonly dueMs: number;
  readonly progress?: string;
}

/** 1 held, 0 lost, 2 asked to stop. */
export type BeatCode = 0 | 1 | 2;

/** Lines of ready steps in one shard, as the door asks for them. */
export interface PoolDemand {
  /** Whose steps; `*` for every tenant's. */
  readonly tenant: string;
  readonly shard: string;
  /** `<pool>@<build>`, for the steps of runs that are pinned to that build, before `<pool>`. */
  readonly pools: readonly string[];
  /**
   * Asked immediately before each exchange: how many steps may be claimed. That many slots are set aside until `onWork` is called
   * with the same number, also after an exchange that failed or found nothing. So two shards never claim for one slot.
   */
  readonly demand: () => number;
  readonly onWork: (claimed: readonly Claimed[], asked: number) => void;
}

/** What stands behind the door: a pool client. */
export interface PoolPort {
  /**
   * Hands in an ending. What is handed in within one turn of the event loop goes in one exchange with the next claim, so an exchange
   * begins at the end of the turn. A rejection means that it could not be handed in: the worker does it again over another connection.
   */
  finish(ending: Ending): Promise<FinishCode>;
  /** Renews leases; a code for each, in order. A rejection renews nothing. */
  beat(beats: readonly Beat[]): Promise<readonly BeatCode[]>;
  /** A slot has become free: ask `demand` again. */
  wake(): void;
  /** Claims no more; endings in progress are still handed in. */
  close(): void;
}

/** What the door writes to the log of the service. */
export interface DoorLog {
  info(values: object, message: string): void;
  warn(values: object, message: string): void;
  error(values: object, message: string): void;
}

export interface DoorOptions {
  /** The service's token, which each worker sends. */
  readonly token: string;
  readonly openPool: (demand: PoolDemand) => PoolPort;
  /** Where the runs of a tenant lie; of `*` every shard. */
  readonly shardsOf: (tenant: string) => readonly string[];
  /** Where a run lies; undefined for what is no run's name. */
  readonly shardOfRun: (run: string) => string | undefined;
  /** The task of a claimed step; a throw of an OrreryError fails the attempt with class `inputs`. */
  readonly resolveInput: (claimed: Claimed) => Resolved | Promise<Resolved>;
  /** Whose run it is; undefined when there is no such run. Asked about leases that were given over an earlier connection. */
  readonly tenantOf: (run: string) => Promise<string | undefined>;
  readonly leaseMs: number;
  /** How long a cancelled attempt has to end by itself. */
  readonly graceMs: number;
  /** Of a result as JSON text. */
  readonly resultBytesMax: number;
  readonly now: () => number;
  readonly log: DoorLog;
}

/** A worker as it is listed. */
export interface WorkerView {
  readonly worker: string;
  readonly tenant: string;
  readonly pool: string;
  readonly build: string;
  readonly handlers: readonly string[];
  readonly slots: number;
  readonly held: number;
  readonly sinceMs: number;
}
