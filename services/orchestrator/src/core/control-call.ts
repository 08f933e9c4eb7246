/** A step as a reset leaves it: its new state, how many of its needs have ended, and what it waits on when suspended. */
export type ResetStep = readonly [ref: string, state: string, arrived: number, on?: string];

export type ControlVerb =
  | { readonly verb: 'cancel'; readonly graceMs: number }
  | { readonly verb: 'kill' | 'pause' | 'resume' }
  | { readonly verb: 'skip'; readonly ref: string }
  | { readonly verb: 'priority'; readonly priority: number }
  | { readonly verb: 'limit'; readonly most: number }
  | {
      readonly verb: 'reset';
      readonly steps: readonly ResetStep[];
      readonly counts: Readonly<Record<string, number>>;
      readonly left: number;
      readonly last: boolean;
      /** Digest of the definition that the run goes on with; absent: the one that it has. */
      readonly definition?: string;
    };

export interface Control {
  /** A run, or a scope: `t|tenant`, `w|tenant/workflow`, `p|pool`, `b|tenant`. */
  readonly on: string;
  readonly tenant: string;
  readonly actor: string;
  readonly reason: string;
}

export type ControlOutcome = 'done' | 'nothing' | 'missing' | 'wrong-state' | 'outbox-full' | 'queue-full';

export type Signal =
  | {
      readonly kind: 'event';
      readonly event: string;
      readonly key: string;
      readonly payload: string;
      readonly keptMs: number;
    }
  | {
      readonly kind: 'decision';
      readonly run: string;
      readonly ref: string;
      readonly actor: string;
      readonly word: 'approve' | 'reject';
      readonly comment: string;
    }
  | {
      readonly kind: 'items';
      readonly run: string;
      readonly ref: string;
      readonly fence: string;
      readonly first: number;
      readonly items: readonly string[];
      readonly keys: readonly string[];
    };

export type SignalOutcome =
  'delivered' | 'counted' | 'not-waiting' | 'not-asked' | 'said-already' | 'missing' | 'stale';
