/** A step as it lies in Redis: `[state, attempt, failures, lapses, fence, started, ended, due, on, key]`. */
export interface StepRecord {
  readonly state: string;
  readonly attempt: number;
  /** Failed attempts since it was last set back. */
  readonly failures: number;
  readonly fence: string;
  /** Milliseconds; 0 for never. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** When the attempt's own time is over, when the next attempt begins, or when a suspended step stops waiting. */
  readonly dueMs: number;
  /** What a suspended step waits on, or the scope that a ready one waits for. */
  readonly on: string;
  readonly key: string;
}

type Row = readonly [string, number, number, number, string, number, number, number, string, string];

/** What was never touched waits, and is not written. */
export const untouched: StepRecord = {
  state: 'waiting',
  attempt: 0,
  failures: 0,
  fence: '0',
  startedMs: 0,
  endedMs: 0,
  dueMs: 0,
  on: '',
  key: '',
};

export function readStepRecord(text: string | null | undefined): StepRecord {
  if (text === null || text === undefined) return untouched;
  const [state, attempt, failures, , fence, startedMs, endedMs, dueMs, on, key] = JSON.parse(text) as Row;
  return { state, attempt, failures, fence, startedMs, endedMs, dueMs, on, key };
}

export const endedStates: readonly string[] = ['succeeded', 'failed', 'skipped', 'cancelled'];

export function timeOf(value: string | number | undefined): number | null {
  const time = Number(value ?? 0);
  return time === 0 ? null : time;
}
