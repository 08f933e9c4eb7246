import { nowMs } from './measure.ts';

/** What a worker process is told to do, by the engine that forks it. */
export interface CrewOrder {
  readonly redisUrl: string;
  readonly password: string;
  readonly slots: number;
  /** Of the orchestrator, where the engine has one. */
  readonly url?: string;
  readonly token?: string;
}

/** What worker processes say about the work that passed through them. */
export interface Tally {
  readonly handled: number;
  readonly lastAtMs: number;
  readonly samples: readonly Sampled[];
  readonly fires: readonly Fire[];
  readonly problems: readonly string[];
}

export interface Sampled {
  readonly name: string;
  readonly ms: number;
}

/** One execution of what a schedule started. */
export interface Fire {
  readonly schedule: string;
  readonly logicalMs: number;
  readonly lagMs: number;
}

export type CrewMessage = { readonly kind: 'ready' } | { readonly kind: 'tally'; readonly tally: Tally };

/** Often enough to notice an end, and seldom enough to cost nothing: the time of the end itself travels in the tally. */
const tellEveryMs = 20;

/**
 * The work itself, the same for every engine: handlers that do nothing but count, and tell their parent. An engine's worker program
 * puts each of them behind the engine's own way to carry out a step.
 */
export class Work {
  #handled = 0;
  #lastAtMs = 0;
  #samples: Sampled[] = [];
  #fires: Fire[] = [];
  #problems: string[] = [];

  constructor() {
    setInterval(() => this.#tell(), tellEveryMs);
  }

  ready(): void {
    send({ kind: 'ready' });
  }

  /** A step that does nothing and has a result. */
  nothing(): number {
    this.#count();
    return 1;
  }

  /** A step that was given the results of those before it. */
  join(results: number, expected: number): number {
    if (results !== expected) this.#problems.push(`a join was given ${results} results of ${expected}`);
    this.#count();
    return results;
  }

  /** A step whose start is measured from the instant at which its run was asked for. */
  started(name: string, askedAtMs: number): number {
    this.#samples.push({ name, ms: nowMs() - askedAtMs });
    this.#count();
    return 1;
  }

  async busy(ms: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#count();
    return 1;
  }

  fired(schedule: string, logicalMs: number): number {
    this.#fires.push({ schedule, logicalMs, lagMs: Date.now() - logicalMs });
    this.#count();
    return 1;
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  #count(): void {
    this.#handled += 1;
    this.#lastAtMs = nowMs();
  }

  #tell(): void {
    if (this.#handled === 0 && this.#problems.length === 0) return;
    const tally = {
      handled: this.#handled,
      lastAtMs: this.#lastAtMs,
      samples: this.#samples,
      fires: this.#fires,
      problems: this.#problems,
    };
    this.#handled = 0;
    this.#samples = [];
    this.#fires = [];
    this.#problems = [];
    send({ kind: 'tally', tally });
  }
}

function send(message: CrewMessage): void {
  process.send?.(message);
}
