import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  request as openRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to ClickHouse that changes something. */
export interface Write {
  /** `INSERT` or `ALTER`. */
  readonly verb: string;
  readonly table: string;
  /** The deduplication token of an insert, else the statement with its parameters. */
  readonly name: string;
}

/** `before`: the write never arrives. `after`: it is done, but its answer never arrives. */
export type Fault = 'none' | 'before' | 'after';

/** Stands between a service and ClickHouse, lets everything pass, and strikes where it is told to. */
export class FaultProxy {
  readonly #target: string;
  readonly #server: Server;
  /** Tokens with the digests of all bodies that came under them. */
  readonly bodies = new Map<string, Set<string>>();
  /** Asked for each write. */
  decide: (write: Write) => Fault = () => 'none';
  /** Called at the moment of a fault, before the connection breaks. */
  strike: () => Promise<void> = async () => {};

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => void this.#pass(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request).catch(() => undefined);
    if (body === undefined) return;
    const write = readWrite(request.url ?? '/', body);
    if (write?.verb === 'INSERT') {
      const digests = this.bodies.get(write.name) ?? new Set();
      this.bodies.set(write.name, digests.add(createHash('sha256').update(body).digest('hex')));
    }
    const fault = write === undefined ? 'none' : this.decide(write);
    if (fault === 'before') {
      await this.strike();
      response.destroy();
      return;
    }
    const answer = await this.#forward(request, body).catch(() => undefined);
    if (fault === 'after') await this.strike();
    if (answer === undefined || fault === 'after') response.destroy();
    else response.writeHead(answer.status, answer.headers).end(answer.body);
  }

  async #forward(
    request: IncomingMessage,
    body: Buffer,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
    const { host: _host, 'transfer-encoding': _coding, ...headers } = request.headers;
    const outgoing = openRequest(new URL(request.url ?? '/', this.#target), {
      method: request.method ?? 'GET',
      headers: { ...headers, 'content-length': body.length, connection: 'close' },
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const { connection: _connection, 'transfer-encoding': _answerCoding, ...answerHeaders } = answer.headers;
    return { status: answer.statusCode ?? 500, headers: answerHeaders, body: await readAll(answer) };
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function readWrite(address: string, body: Buffer): Write | undefined {
  const search = new URL(address, 'http://localhost').searchParams;
  const statement = search.get('query') ?? body.subarray(0, 1000).toString();
  const [, verb = '', table = ''] = /^\s*(INSERT|ALTER)\s+(?:INTO|TABLE)\s+(\S+)/.exec(statement) ?? [];
  if (verb === '') return undefined;
  const named = search.get(`param_${table.replace(/^\{(\w+):\w+\}$/, '$1')}`) ?? table;
  return { verb, table: named, name: search.get('insert_deduplication_token') ?? `${statement} of ${named}` };
}
