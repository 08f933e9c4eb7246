export interface PlanErrorDetails {
  /** Stable name by which programs and tests know the error, for example `SPOT_NOT_DIVERSE`. */
  readonly code: string;
  /** What was asked for, with the values. */
  readonly message: string;
  /** What to change. */
  readonly hint: string;
}

/** Thrown while a component plans, before any resource is registered: a refused plan changes nothing. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
  readonly code: string;
  /** The message without the remedy. */
  readonly problem: string;
  readonly hint: string;

  constructor(details: PlanErrorDetails) {
    super(`${details.message}: ${details.hint}`);
    this.code = details.code;
    this.problem = details.message;
    this.hint = details.hint;
  }
}
