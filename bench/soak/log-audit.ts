/** An event of the log by position: run, sequence, ref, step, attempt, fence, from, to, reason. */
type Event = readonly [string, number, string, string, number, string, string, string, string];

interface Entry {
  readonly n: number;
  readonly at: string;
  readonly call: readonly string[];
  readonly events: readonly Event[];
}

/** A lease that ran out, and the attempt that came after it. */
export interface Lapse {
  readonly run: string;
  readonly ref: string;
  readonly lapsedAtMs: number;
  /** Undefined of a step that nobody took again. */
  readonly takenAgainAtMs: number | undefined;
}

export interface LogAudit {
  /** Different entries; one that was published twice counts once. */
  readonly entries: number;
  /** Numbers between 1 and the highest that no entry has. */
  readonly holes: number;
  /** Two entries at one place that say different things. */
  readonly forks: readonly number[];
  /** Run -> the state in which it is. */
  readonly runs: ReadonlyMap<string, string>;
  /** Run -> the highest sequence. */
  readonly sequences: ReadonlyMap<string, number>;
  /** Sequences of runs that are missing, or were given twice. */
  readonly sequenceFaults: readonly string[];
  /** `run ref` of steps that succeeded more than once. */
  readonly acceptedTwice: readonly string[];
  /** `run ref fence` of accepted results. */
  readonly accepted: ReadonlySet<string>;
  /** `run ref` of steps that never ended. */
  readonly unended: readonly string[];
  readonly lapses: readonly Lapse[];
}

const ended = new Set(['succeeded', 'failed', 'skipped', 'cancelled']);

/**
 * What the log of one shard says, whatever made it: every entry in order, each once, and for each run and step how it went. Runs that
 * are reset succeed twice by right: this audit is for logs without resets.
 */
export function auditLog(texts: readonly string[]): LogAudit {
  const entries = new Map<number, string>();
  const forks: number[] = [];
  for (const text of texts) {
    const entry = JSON.parse(text) as Entry;
    const said = JSON.stringify([entry.at, entry.call[0], entry.events]);
    const before = entries.get(entry.n);
    if (before !== undefined && said !== JSON.stringify(idOf(before))) forks.push(entry.n);
    entries.set(entry.n, before ?? text);
  }
  const numbers = [...entries.keys()].sort((one, other) => one - other);
  const steps = new Steps();
  for (const n of numbers) {
    const { at, events } = JSON.parse(entries.get(n) ?? '') as Entry;
    for (const event of events) steps.push(event, Number(at) / 1000);
  }
  return { entries: entries.size, holes: (numbers.at(-1) ?? 0) - entries.size, forks, ...steps.result() };
}

function idOf(text: string): unknown {
  const { at, call, events } = JSON.parse(text) as Entry;
  return [at, call[0], events];
}

class Steps {
  readonly #runs = new Map<string, string>();
  readonly #sequences = new Map<string, number>();
  readonly #faults: string[] = [];
  readonly #states = new Map<string, string>();
  readonly #successes = new Map<string, number>();
  readonly #accepted = new Set<string>();
  readonly #lapses: { run: string; ref: string; lapsedAtMs: number; takenAgainAtMs: number | undefined }[] = [];
  readonly #open = new Map<string, { takenAgainAtMs: number | undefined }>();

  push([run, sequence, ref, , , fence, from, to, reason]: Event, atMs: number): void {
    if (sequence !== (this.#sequences.get(run) ?? 0) + 1) this.#faults.push(`${run} ${sequence}`);
    this.#sequences.set(run, sequence);
    if (ref === '') {
      this.#runs.set(run, to);
      return;
    }
    const step = `${run} ${ref}`;
    this.#states.set(step, to);
    if (to === 'succeeded') {
      this.#successes.set(step, (this.#successes.get(step) ?? 0) + 1);
      this.#accepted.add(`${step} ${fence}`);
    }
    if (to === 'running' || ended.has(to)) {
      const lapse = this.#open.get(step);
      if (lapse !== undefined) lapse.takenAgainAtMs = atMs;
      this.#open.delete(step);
    }
    if (from === 'running' && to === 'ready' && reason === 'lease lost') {
      const lapse = { run, ref, lapsedAtMs: atMs, takenAgainAtMs: undefined };
      this.#lapses.push(lapse);
      this.#open.set(step, lapse);
    }
  }

  result(): Omit<LogAudit, 'entries' | 'holes' | 'forks'> {
    const named = (of: Map<string, unknown>, is: (value: unknown) => boolean) =>
      [...of].filter(([, value]) => is(value)).map(([name]) => name);
    return {
      runs: this.#runs,
      sequences: this.#sequences,
      sequenceFaults: this.#faults,
      acceptedTwice: named(this.#successes, (count) => Number(count) > 1),
      accepted: this.#accepted,
      unended: named(this.#states, (state) => !ended.has(String(state))),
      lapses: this.#lapses,
    };
  }
}
