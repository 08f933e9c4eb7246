/** `page` wakes somebody: users notice, or will within the hour. `ticket` waits for the morning. */
export type Severity = 'page' | 'ticket';

export interface Alert {
  /** Unique, for example `ServiceDown`. */
  readonly name: string;
  /** File of docs/runbooks without its ending: what it means, how to look, what to do. */
  readonly runbook: string;
  readonly severity: Severity;
  /** One sentence, with the labels that tell which. */
  readonly summary: string;
  /** PromQL: it fires where this has a value. */
  readonly expression: string;
  /** Minutes for which it has to hold. */
  readonly minutes: number;
}
