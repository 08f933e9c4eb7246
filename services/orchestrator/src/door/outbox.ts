import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { Answers } from './answers.ts';
import { frameBytesMax, listMax, textFrame } from './frames.ts';
import type { FinishCode, Lease } from './types.ts';

export interface TaskFrame extends Lease {
  readonly attempt: number;
  readonly handler: string;
  readonly input: unknown;
  readonly tenant: string;
  readonly workflow: string;
  readonly step: string;
  readonly deadlineMs: number;
  readonly heartbeatMs: number;
  readonly dueMs: number;
}

/** A worker's connection, and the stream below it. */
export interface WorkerSocket {
  readonly socket: WebSocket;
  readonly wire: Duplex;
}

/** Closing codes of RFC 6455. */
export const closing = { left: 1000, goingAway: 1001, refused: 1008, tooLarge: 1009, failed: 1011 } as const;

/** What goes to one worker: all that one turn of the event loop has to say goes in one frame of each type. */
export class Outbox {
  readonly answers = new Answers<FinishCode>();
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  /** Told of a task that is over the bound of a frame by itself. */
  readonly #onTooLarge: (task: TaskFrame, bytes: number) => void;
  #tasks: TaskFrame[] = [];
  /** Encoded, for the write at the end of this turn. */
  #frames: Buffer[] = [];
  #isFlushing = false;
  #isLeaving = false;

  constructor({ socket, wire }: WorkerSocket, onTooLarge: (task: TaskFrame, bytes: number) => void) {
    this.#socket = socket;
    this.#wire = wire;
    this.#onTooLarge = onTooLarge;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** At once. */
  send(frame: object): void {
    if (this.isOpen) this.#socket.send(JSON.stringify(frame));
  }

  push(task: TaskFrame): void {
    this.#tasks.push(task);
    this.#flushSoon();
  }

  answer(place: number, code: FinishCode): void {
    this.answers.settle(place, code);
    this.#flushSoon();
  }

  /** Closes when everything that was handed in is answered. */
  leave(): void {
    this.#isLeaving = true;
    this.#flushSoon();
  }

  /** What was pushed and has not been sent, which is then forgotten. */
  takeUnsent(): readonly TaskFrame[] {
    const tasks = this.#tasks;
    this.#tasks = [];
    return tasks;
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      if (this.isOpen) this.#flush();
    });
  }

  #flush(): void {
    const codes = this.answers.take();
    for (let start = 0; start < codes.length; start += listMax) {
      this.#frames.push(textFrame(JSON.stringify({ type: 'accepted', codes: codes.slice(start, start + listMax) })));
    }
    const tasks = this.takeUnsent();
    for (let start = 0; start < tasks.length; start += listMax) this.#addTasks(tasks.slice(start, start + listMax));
    // All in one write below the library, which would make several of each frame: most of what a lone step costs here is writing.
    if (this.#frames.length > 0) this.#wire.write(Buffer.concat(this.#frames));
    this.#frames = [];
    if (this.#isLeaving && this.answers.isEmpty) this.#socket.close(closing.left);
  }

  /** Halves what is too much for one frame. */
  #addTasks(tasks: readonly TaskFrame[]): void {
    const text = JSON.stringify({ type: 'work', tasks });
    const bytes = text.length * 3 > frameBytesMax ? Buffer.byteLength(text) : text.length;
    const [first] = tasks;
    if (bytes <= frameBytesMax || first === undefined) {
      this.#frames.push(textFrame(text));
    } else if (tasks.length === 1) {
      this.#onTooLarge(first, bytes);
    } else {
      const middle = Math.ceil(tasks.length / 2);
      this.#addTasks(tasks.slice(0, middle));
      this.#addTasks(tasks.slice(middle));
    }
  }
}

export function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
