import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { admit, notReady, type Admitted } from './admission.ts';
import { Connection } from './connection.ts';
import { refused, type Hello } from './frames.ts';
import { Line, type Place } from './line.ts';
import type { WorkerSocket } from './outbox.ts';
import type { DoorOptions, WorkerView } from './types.ts';

const connectionsMax = 4096;
const drainPollMs = 20;
/** A worker's event loop may stand still for a moment without losing its connection. */
const probeMsMin = 1000;

/** Where workers come in: seats each, shares the ready steps out among them, and takes their endings in. */
export class Door {
  readonly #options: DoorOptions;
  readonly #connections = new Set<Connection>();
  readonly #lines = new Map<string, Line>();
  readonly #seated = new Map<Connection, readonly Line[]>();
  readonly #probes: NodeJS.Timeout;
  #isDraining = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#probes = setInterval(
      () => {
        for (const connection of this.#connections) connection.probe();
      },
      Math.max(options.leaseMs, probeMsMin),
    ).unref();
  }

  /** Throws what is answered instead of a connection. */
  admit(request: IncomingMessage): Admitted {
    const admitted = admit(request, this.#options.token);
    if (this.#isDraining) throw notReady('this orchestrator is about to stop');
    if (this.#connections.size >= connectionsMax) {
      throw notReady(`${connectionsMax} workers are connected here, which is the bound`);
    }
    return admitted;
  }

  seat(connected: WorkerSocket, admitted: Admitted): void {
    const worker = `w-${randomUUID().slice(0, 8)}`;
    const connection = new Connection(connected, worker, admitted, {
      options: this.#options,
      join: (joining, hello) => this.#join(joining, hello),
      left: (leaving) => this.#leave(leaving),
    });
    this.#connections.add(connection);
  }

  /** Who is connected here. */
  workers(): WorkerView[] {
    return [...this.#connections].flatMap((connection) => connection.view() ?? []);
  }

  /** Claims nothing more, sends every worker elsewhere, and ends the connections that are left when the time is over. */
  async drain(withinMs: number): Promise<void> {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.drain();
    const untilMs = this.#options.now() + withinMs;
    while (this.#connections.size > 0 && this.#options.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    }
    for (const connection of this.#connections) connection.close();
    await new Promise((resolve) => setTimeout(resolve, drainPollMs));
    for (const connection of this.#connections) connection.terminate();
    clearInterval(this.#probes);
  }

  #join(connection: Connection, { pool, build }: Hello): readonly Line[] {
    if (this.#isDraining) throw refused('NOT_READY', 'this orchestrator is about to stop', 'connect again');
    const { tenant } = connection.admitted;
    const lines = this.#options.shardsOf(tenant).map((shard) => this.#line({ tenant, shard, pool, build }));
    for (const line of lines) line.enter(connection);
    this.#seated.set(connection, lines);
    const told = { worker: connection.worker, tenant, pool, build, handlers: [...connection.handlers] };
    this.#options.log.info(told, 'a worker came');
    return lines;
  }

  #line(place: Place): Line {
    const key = keyOf(place);
    const isElsewhere = (handler: string, line: Line) => this.#isElsewhere(handler, line);
    const line = this.#lines.get(key) ?? new Line(place, this.#options, isElsewhere);
    this.#lines.set(key, line);
    return line;
  }

  #isElsewhere(handler: string, { place }: Line): boolean {
    const others = [...this.#lines.values()].filter(
      (line) => line.place.shard === place.shard && line.place.pool === place.pool && line.serves(place.tenant),
    );
    return others.some((line) => line.has(handler));
  }

  #leave(connection: Connection): void {
    this.#connections.delete(connection);
    for (const line of this.#seated.get(connection) ?? []) {
      line.leave(connection);
      if (!line.isEmpty) continue;
      this.#lines.delete(keyOf(line.place));
      line.port.close();
    }
    this.#seated.delete(connection);
    this.#options.log.info({ worker: connection.worker }, 'a worker left');
  }
}

function keyOf({ tenant, shard, pool, build }: Place): string {
  return [tenant, shard, pool, build].join('|');
}
