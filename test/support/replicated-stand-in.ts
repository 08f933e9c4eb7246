import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Answers as a server does whose database is a replicated one, and keeps what it was asked to do. */
export class ReplicatedStandIn {
  readonly asked: string[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void text(request).then((body) => {
        const query = new URL(request.url ?? '', 'http://stand-in').searchParams.get('query');
        const asked = query === null ? body : `${query}\n${body}`;
        this.asked.push(asked);
        response.end(asked.includes('system.databases') ? '{"engine":"Replicated"}\n' : '');
      });
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
