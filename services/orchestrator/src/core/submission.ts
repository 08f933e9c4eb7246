import type { WorkflowPlan } from './plan.ts';

/** A run as it is asked for. */
export interface Submission {
  readonly run: string;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly plan: WorkflowPlan;
  /** JSON. */
  readonly parameters: string;
  /** What starts the run, as people read it. */
  readonly trigger: string;
  readonly logicalMs: number;
  /** The caller's key with the digest of what it asked for. */
  readonly idempotency?: { readonly key: string; readonly request: string };
  readonly priority?: number;
  /** A trigger asks for it, no person: not while its workflow or tenant is paused. */
  readonly automatic?: boolean;
  /** Whose watermark moves to the logical time; one that is beyond `afterMs` says that this time was decided before. */
  readonly fired?: { readonly trigger: string; readonly afterMs: number };
  readonly overlap?: 'queue' | 'skip' | 'replace';
  /** `run|ref` of the step that waits for it. */
  readonly parent?: string;
  /** Pool -> the build of workers that the run keeps for life. */
  readonly pins?: Readonly<Record<string, string>>;
  /** Ref -> the key under which the step's limit counts. */
  readonly limitKeys?: Readonly<Record<string, string>>;
}

export type SubmitOutcome =
  | 'accepted'
  | 'known'
  | 'key-reused'
  | 'outbox-full'
  | 'queue-full'
  | 'past'
  | 'skipped'
  | 'paused'
  | 'definition-needed';

export interface Submitted {
  readonly outcome: SubmitOutcome;
  readonly run: string;
  readonly state: string;
}
