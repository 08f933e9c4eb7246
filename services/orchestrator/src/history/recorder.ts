import { runEventsTopic } from '@orrery/contracts/run-event';
import { consume, type Consumption } from '@orrery/kit/bus/consume';
import type { EventBus } from '@orrery/kit/bus/types';
import { clickHouseError, migrate, type ClickHouse } from '@orrery/kit/clickhouse';
import { OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { sqlFolder } from '../statements.ts';
import type { History } from './history.ts';

export interface RecorderDeps {
  readonly bus: EventBus;
  readonly clickhouse: ClickHouse;
  readonly history: History;
  readonly service: string;
  readonly log: Log;
}

/** Entries of the log; each holds up to hundreds of events, and a range is written as a whole. */
const rowsMax = 500;
const bytesMax = 2 * 1024 * 1024;
const lingerMs = 200;
/** About an hour; then the recorder begins anew, and loses nothing by it. */
const tries = { attemptsMax: 800, backoffMs: 200, backoffMaxMs: 5000 };

/**
 * Writes the log that comes by the bus into the history. ClickHouse may be away for long: entries wait in the bus, then in the outbox,
 * and runs go on meanwhile.
 */
export class Recorder {
  readonly #deps: RecorderDeps;
  #consumption: Consumption | undefined;
  #migrated = false;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
  }

  /** Begins to record, or does nothing when it does already. Throws while the table can't be made. */
  async round(): Promise<boolean> {
    if (this.#consumption !== undefined) return false;
    await this.#migrate();
    const { bus, history, log } = this.#deps;
    const consumer = bus.consumer({ topic: runEventsTopic, group: 'orchestrator-history' });
    this.#consumption = await consume(consumer, {
      handle: (range, events) => history.record(range, events),
      onError: (error) => {
        log.error({ err: error }, 'recording has stopped and begins anew');
        this.#consumption = undefined;
      },
      rowsMax,
      bytesMax,
      lingerMs,
      ...tries,
    });
    return false;
  }

  async stop(): Promise<void> {
    await this.#consumption?.stop();
    this.#consumption = undefined;
  }

  async #migrate(): Promise<void> {
    if (this.#migrated) return;
    const { clickhouse, service, log } = this.#deps;
    try {
      await migrate(clickhouse, { service, folder: sqlFolder, log });
      this.#migrated = true;
    } catch (error) {
      throw error instanceof OrreryError ? error : clickHouseError(error, 'creating the tables');
    }
  }
}
