import type { Step } from '@orrery/contracts/definitions/workflow';
import type { Scope } from '../work/expressions.ts';
import type { StepBody } from '../work/step-inputs.ts';
import type { ClaimedStep, Suspension } from '../core/step-lease.ts';

type Uses = Step['uses'];
/** What a step of a kind is given, its expressions resolved. */
export type Given<U extends Uses> = Extract<Step, { uses: U }>['with'];

/** One attempt of a step, or of an item of a map. */
export interface StepTask<W = unknown> {
  readonly run: string;
  readonly ref: string;
  /** Of the step; of an item `<map>.<index>`. The same for every attempt. */
  readonly name: string;
  readonly given: W;
  readonly attempt: number;
  /** Only grows; whatever the attempt does to the outside should carry it. */
  readonly fence: string;
  readonly tenant: string;
  readonly actor: string;
  /** What is left of the attempt's time. */
  readonly timeoutMs: number;
  readonly claimed: ClaimedStep;
  /** As the definition has it. */
  readonly defined: Step | StepBody;
  readonly scope: Scope;
}

export interface StepContext {
  /**
   * Aborts when the lease is lost, the time is over, the run is cancelled or the orchestrator stops: end at once, whatever is
   * returned is dropped.
   */
  readonly signal: AbortSignal;
  /** Tells how far the attempt is; only the latest is kept. */
  report(progress: unknown): void;
}

/**
 * Carries out steps of one kind. Resolves to the result, which must be JSON of at most 64 KiB, or to what the step waits for
 * without a slot. Throws a terminal OrreryError when another attempt can't help, a retryable one when it can; anything else that is
 * thrown counts as retryable.
 */
export interface StepExecutor<W = unknown> {
  execute(task: StepTask<W>, context: StepContext): Promise<unknown>;
}

/** What an executor returns for a step that is to wait. */
export class Suspended {
  readonly how: Suspension;

  constructor(how: Suspension) {
    this.how = how;
  }
}

/** By kind. A `task` has none here: a worker carries it out. */
export type Executors = { readonly [U in Exclude<Uses, 'task'>]: StepExecutor<Given<U>> };
