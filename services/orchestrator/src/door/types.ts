/** The right to work on one attempt. All three are texts; the fence is a number in decimal digits that only grows. */
export interface Lease {
  readonly run: string;
  readonly ref: string;
  readonly fence: string;
}

/** A step as it was claimed; parameters, results and item are JSON texts. */
export interface Claimed extends Lease {
  readonly attempt: number;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly definition: string;
  readonly parameters: string;
  readonly logicalMs: number;
  readonly results: ReadonlyMap<string, string>;
  readonly item?: string;
}

/** What a worker is told to do, once the expressions of the claimed step have been resolved. */
export interface Resolved {
  readonly handler: string;
  /** Any JSON. */
  readonly input: unknown;
  /** The step's name, as the definition has it. */
  readonly step: string;
  /** How long the attempt may take from here on; 0 when it has no bound. Never a time of day: clocks differ. */
  readonly deadlineMs: number;
}

export type Outcome = 'succeeded' | 'failed' | 'returned' | 'cancelled';

/** How an attempt ended; the payload is JSON text: the result, or `{code, message, hint}`. */
export interface Ending extends Lease {
  readonly outcome: Outcome;
  readonly payload: string;
  readonly class?: string;
  readonly retryable?: boolean;
  readonly reason?: string;
}

/** `repeated`: this very ending was accepted before. `stale`: the lease was lost, and the ending was refused. */
export type FinishCode = 'accepted' | 'repeated' | 'stale';

/** A sign of life of an attempt; with a progress (JSON text, at most 2 KiB) it is the handler's own. */
export interface Beat extends Lease {
  readonly progress?: string;
}

/** 1 held, 0 lost, 2 asked to stop. */
export type BeatCode = 0 | 1 | 2;

/** One line of ready steps, as the door asks for it. */
export interface PoolDemand {
  /** Whose steps; `*` for every tenant's. */
  readonly tenant: string;
  /** `<pool>`, or `<pool>@<build>` for the steps of runs that are pinned to that build. */
  readonly pool: string;
  /**
   * Asked immediately before each exchange: how many steps may be claimed. That many slots are set aside until `onWork` is called
   * with the same number, also after an exchange that failed or found nothing. So two lines never claim for one slot.
   */
  readonly demand: () => number;
  readonly onWork: (claimed: readonly Claimed[], asked: number) => void;
}

/** What stands behind the door: a pool client over one shard, or over all of them. */
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
