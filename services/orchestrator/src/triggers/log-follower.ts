import { readEntry, runEventsTopic, type LogEntry } from '@orrery/contracts/run-event';
import { consume, type Consumption } from '@orrery/kit/bus/consume';
import type { BusEvent, EventBus } from '@orrery/kit/bus/types';
import { OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import type { Happening } from './matching.ts';

export interface LogFollowerDeps {
  readonly bus: EventBus;
  /** Returns what has to come again. */
  readonly handle: (happenings: readonly Happening[]) => Promise<readonly Happening[]>;
  /** The datasets that a step of a definition brings up to date when it succeeds. */
  readonly updatesOf: (run: string, definition: string, ref: string) => Promise<readonly string[]>;
  readonly updateDataset: (tenant: string, dataset: string, atMs: number) => Promise<void>;
  /** The logical time of a run. */
  readonly logicalTimeOf: (run: string) => Promise<number | undefined>;
  readonly log: Log;
}

const endStates = ['succeeded', 'failed', 'cancelled'] as const;
/** About an hour; then it begins anew, and loses nothing by it. */
const tries = { attemptsMax: 800, backoffMs: 200, backoffMaxMs: 5000 };
const rowsMax = 500;
const lingerMs = 20;

/** Ends of runs and of steps that update datasets, out of the log: what triggers on them learns of each at least once. */
export class LogFollower {
  readonly #deps: LogFollowerDeps;
  #consumption: Consumption | undefined;

  constructor(deps: LogFollowerDeps) {
    this.#deps = deps;
  }

  /** Begins to follow, or does nothing when it does already. */
  async round(): Promise<boolean> {
    if (this.#consumption !== undefined) return false;
    const { bus, log } = this.#deps;
    const consumer = bus.consumer({ topic: runEventsTopic, group: 'orchestrator-triggers' });
    this.#consumption = await consume(consumer, {
      handle: (_, events) => this.#handle(events),
      onError: (error) => {
        log.error({ err: error }, 'following the log has stopped and begins anew');
        this.#consumption = undefined;
      },
      rowsMax,
      lingerMs,
      ...tries,
    });
    return false;
  }

  async stop(): Promise<void> {
    await this.#consumption?.stop();
    this.#consumption = undefined;
  }

  async #handle(events: readonly BusEvent[]): Promise<void> {
    const happenings: Happening[] = [];
    for (const event of events) happenings.push(...(await this.#happeningsOf(entryOf(event))));
    const again = happenings.length === 0 ? [] : await this.#deps.handle(happenings);
    if (again.length === 0) return;
    throw new OrreryError({
      code: 'TRIGGERS_REFUSED',
      message: `${again.length} runs that triggers start were refused`,
      hint: 'a queue or the outbox is full; they are tried again by themselves',
      retry: 'retryable',
    });
  }

  async #happeningsOf(entry: LogEntry | undefined): Promise<Happening[]> {
    const { updatesOf, updateDataset, logicalTimeOf } = this.#deps;
    const found: Happening[] = [];
    if (entry === undefined) return found;
    for (const { run, ref, to, sequence, tenant, workflow, definition } of entry.events) {
      const state = endStates.find((each) => each === to);
      if (state === undefined) continue;
      const { atMs } = entry;
      if (ref === '') {
        const logicalMs = (await logicalTimeOf(run)) ?? atMs;
        found.push({ kind: 'run', id: `${run}/${sequence}`, tenant, workflow, state, logicalMs, atMs });
      } else if (state === 'succeeded') {
        for (const name of await updatesOf(run, definition, ref)) {
          await updateDataset(tenant, name, atMs);
          found.push({ kind: 'dataset', id: `${run}/${sequence}`, tenant, name, atMs });
        }
      }
    }
    return found;
  }
}

/** What can't be read is told by whoever records the history. */
function entryOf(event: BusEvent): LogEntry | undefined {
  try {
    return readEntry(event.value.toString('utf8'));
  } catch {
    return undefined;
  }
}
