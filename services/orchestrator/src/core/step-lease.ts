/** The right to work on an attempt until a deadline. Everything that the attempt sends carries its fence. */
export interface StepLease {
  readonly run: string;
  /** A step's number, `12`, or an item's, `12.5`. */
  readonly ref: string;
  readonly fence: string;
  /** When the attempt's own time is over, by Redis's clock. */
  readonly dueMs: number;
}

export interface ClaimedStep extends StepLease {
  readonly attempt: number;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly definition: string;
  /** JSON. */
  readonly parameters: string;
  readonly logicalMs: number;
  /** Number of a step -> its result (JSON), of those that the step names, where they are few. */
  readonly results: Readonly<Record<string, string>>;
  /** JSON, of an item of a map. */
  readonly item: string | undefined;
  /** Redis's clock (ms) when it was claimed. */
  readonly nowMs: number;
}

export type ErrorClass = 'timeout' | 'unavailable' | 'throttled' | 'resources' | 'inputs' | 'failure';

export interface Ending extends Pick<StepLease, 'run' | 'ref' | 'fence'> {
  readonly outcome: 'succeeded' | 'failed' | 'returned' | 'suspended' | 'cancelled';
  /** JSON: the result, the error, or what a suspended step waits for. */
  readonly payload: string;
  readonly class?: ErrorClass;
  readonly retryable?: boolean;
  readonly reason?: string;
  /** What the callee asked to wait. */
  readonly retryAfterMs?: number;
}

/** What a suspended step waits for. */
export type Suspension =
  | { readonly on: 'timer'; readonly due: number }
  | { readonly on: 'event'; readonly key: string; readonly due?: number }
  | { readonly on: 'approval'; readonly who: readonly string[]; readonly quorum: number; readonly due?: number }
  | { readonly on: 'child'; readonly key: string }
  | { readonly on: 'items'; readonly items: number };

export interface Beat extends StepLease {
  readonly leaseMs: number;
  /** JSON, or empty when there is nothing to tell. */
  readonly progress: string;
}

export type Acceptance = 'accepted' | 'repeated' | 'stale';

export type Held = 'held' | 'lost' | 'stopping';
