import type { Step } from '@orrery/contracts/definitions/workflow';

/** One attempt of a step, its expressions resolved. */
export interface StepTask<S extends Step = Step> {
  readonly run: string;
  readonly step: S;
  readonly attempt: number;
  /** Only grows; whatever the attempt does to the outside should carry it. */
  readonly fence: string;
  readonly tenant: string;
  readonly actor: string;
}

export interface StepContext {
  /** Aborts when the lease is lost, the time is over or the orchestrator stops: end at once, whatever is returned is dropped. */
  readonly signal: AbortSignal;
  /** Tells how far the attempt is; only the latest is kept. */
  report(progress: unknown): void;
}

/**
 * Carries out steps of one kind. Resolves to the result, which must be JSON of at most 64 KiB. Throws a terminal OrreryError when
 * another attempt can't help, a retryable one when it can; anything else that is thrown counts as retryable.
 * A sleep step has no executor: a timer in Redis is all of it, so that it holds no worker and outlives every process.
 */
export interface StepExecutor<S extends Step = Step> {
  execute(task: StepTask<S>, context: StepContext): Promise<unknown>;
}

export type HttpStep = Extract<Step, { uses: 'http' }>;
export type ProcessStep = Extract<Step, { uses: 'process' }>;
