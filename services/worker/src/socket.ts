import type { IncomingMessage } from 'node:http';
import { WebSocket, type RawData } from 'ws';
import { frameBytesMax, subprotocol, type ServerFrame } from './frames.ts';
import { WorkerError } from './step-error.ts';

export interface SocketOptions {
  /** Of the orchestrator, `http://` or `https://`. */
  readonly url: string;
  readonly token: string;
  readonly tenant: string;
}

export interface SocketEvents {
  readonly onOpen: () => void;
  readonly onFrame: (frame: ServerFrame) => void;
  /** Once, however it ended. A reason that can't pass by itself says so. */
  readonly onClose: (reason: string, refusal: WorkerError | undefined) => void;
}

const connectMsMax = 10_000;
/** Answers to an attempt to connect that will be the same next time. */
const finalStatuses = new Set([400, 401, 403, 404]);

/** One connection to an orchestrator. */
export class Socket {
  readonly #socket: WebSocket;
  /** By the caller's clock: when something was last heard. */
  heardAtMs: number;
  #refusal: WorkerError | undefined;
  #reason = '';
  #isClosed = false;

  constructor(options: SocketOptions, events: SocketEvents, nowMs: () => number) {
    this.heardAtMs = nowMs();
    const address = new URL('/v1/worker', options.url);
    address.protocol = address.protocol === 'https:' || address.protocol === 'wss:' ? 'wss:' : 'ws:';
    this.#socket = new WebSocket(address, subprotocol, {
      headers: { authorization: `Bearer ${options.token}`, 'x-orrery-tenant': options.tenant },
      handshakeTimeout: connectMsMax,
      maxPayload: frameBytesMax,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    const heard = () => (this.heardAtMs = nowMs());
    this.#socket.on('open', () => {
      heard();
      events.onOpen();
    });
    this.#socket.on('ping', heard).on('pong', heard);
    this.#socket.on('message', (data) => {
      heard();
      const frame = readFrame(data);
      if (frame === undefined) this.terminate('the orchestrator sent what is no frame');
      else events.onFrame(frame);
    });
    this.#socket.on('unexpected-response', (_request, response) => void this.#onRefusal(response, events));
    this.#socket.on('error', (error) => (this.#reason = error.message));
    this.#socket.on('close', (code, reason) => {
      this.#close(events, this.#reason || reason.toString() || `closed with code ${code}`);
    });
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(text: string): void {
    if (this.isOpen) this.#socket.send(text);
  }

  ping(): void {
    if (this.isOpen) this.#socket.ping();
  }

  close(): void {
    this.#socket.close(1000);
  }

  terminate(reason: string): void {
    this.#reason = reason;
    this.#socket.terminate();
  }

  /** An answer in HTTP, which says why there is no connection. */
  async #onRefusal(response: IncomingMessage, events: SocketEvents): Promise<void> {
    const { statusCode = 0 } = response;
    let body = '';
    try {
      for await (const chunk of response) body += String(chunk);
    } catch {
      // The status alone must do.
    }
    const { code = `HTTP_${statusCode}`, message = 'the orchestrator refused the worker', hint = '' } = errorIn(body);
    if (finalStatuses.has(statusCode)) this.#refusal = new WorkerError(code, message, hint);
    this.#reason = `${code}: ${message}`;
    this.#socket.terminate();
    this.#close(events, this.#reason);
  }

  #close(events: SocketEvents, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    events.onClose(reason, this.#refusal);
  }
}

/** The orchestrator's frames are trusted to be what the protocol says; undefined for what is none. */
function readFrame(data: RawData): ServerFrame | undefined {
  try {
    const bytes = Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
    const value = JSON.parse(bytes.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null && 'type' in value ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

function errorIn(body: string): { code?: string; message?: string; hint?: string } {
  try {
    return (JSON.parse(body) as { error?: { code?: string; message?: string; hint?: string } }).error ?? {};
  } catch {
    return {};
  }
}
