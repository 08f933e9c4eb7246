/** Exit codes of the `orrery` command: 1 failed, 2 usage, 3 unsafe. */
export type ExitCode = 1 | 2 | 3;

export interface CommandErrorDetails {
  /** Stable name by which programs and tests know the error, for example `PORT_IN_USE`. */
  readonly code: string;
  /** What happened, with the values. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** Default 1. */
  readonly exitCode?: ExitCode;
  readonly cause?: unknown;
}

/** What a person is told when a command can't do its work: one message, one remedy, one exit code, no stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code: string;
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(details: CommandErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? 1;
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
