import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3StandIn {
  readonly endpoint: string;
  /** Path -> bytes: what lies in all buckets. */
  readonly objects: Map<string, Buffer>;
  /** `METHOD path status` of every request. */
  readonly requests: string[];
  /** Answers so many requests by this status; default: all. */
  refuse(status: number, times?: number): void;
  stop(): Promise<void>;
}

/** The little of S3 that the store stands on: put under a condition and with a checksum, get, head. Asked by paths, signed or not. */
export async function startS3(): Promise<S3StandIn> {
  const objects = new Map<string, Buffer>();
  const requests: string[] = [];
  let refusing = { status: 0, times: 0 };
  const server = createServer((request, response) => {
    const refused = refusing.times > 0 ? refusing.status : undefined;
    refusing = { ...refusing, times: refusing.times - 1 };
    void answer(request, objects, refused).then(({ status, body }) => {
      requests.push(`${request.method ?? ''} ${pathOf(request)} ${status}`);
      reply(response, status, request.method === 'HEAD' ? undefined : body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    refuse: (status, times = Infinity) => void (refusing = { status, times }),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: Buffer | undefined;
}

async function answer(request: IncomingMessage, objects: Map<string, Buffer>, refusing?: number): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (refusing !== undefined) return { status: refusing, body: undefined };
  const found = objects.get(pathOf(request));
  if (request.method !== 'PUT') return { status: found === undefined ? 404 : 200, body: found };
  if (found !== undefined && request.headers['if-none-match'] === '*') return { status: 412, body: undefined };
  const bytes = Buffer.concat(chunks);
  const checksum = createHash('sha256').update(bytes).digest('base64');
  if (request.headers['x-amz-checksum-sha256'] !== checksum) return { status: 400, body: undefined };
  objects.set(pathOf(request), bytes);
  return { status: 200, body: undefined };
}

function pathOf(request: IncomingMessage): string {
  return new URL(request.url ?? '', 'http://s3').pathname;
}

function reply(response: ServerResponse, status: number, body: Buffer | undefined): void {
  response.writeHead(status, body === undefined ? {} : { 'content-length': body.length });
  response.end(body);
}
