import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { OrreryError } from '@orrery/kit/errors';
import { sameText } from '@orrery/kit/http';
import { WebSocketServer } from 'ws';
import type { Door } from './door.ts';
import { subprotocol } from './frames.ts';

/** Who stands at the door. */
export interface Admitted {
  /** `*` for a worker that serves every tenant. */
  readonly tenant: string;
  readonly actor: string;
}

const path = '/v1/worker';
const namePattern = /^[a-z][a-z0-9-]{0,62}$/;
/** Frames over the protocol's bound are still read up to here, so that their sender is told what to do. */
const payloadBytesMax = 4 * 1024 * 1024;

/** Takes workers in at `/v1/worker` of this server. Until there is a door, they are told to come again. */
export function openDoor(server: Server, door: () => Door | undefined): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: payloadBytesMax,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    handleProtocols: () => subprotocol,
  });
  // Only workers change protocols: what else offers to, such as a client that would rather speak HTTP/2, is answered in HTTP.
  const choosing = server as Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean };
  choosing.shouldUpgradeCallback = (request) => pathOf(request) === path;
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    try {
      const open = door();
      if (pathOf(request) !== path) throw routeMissing(request);
      if (open === undefined) throw notReady('the orchestrator has not started');
      const admitted = open.admit(request);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        open.seat({ socket: webSocket, wire: socket }, admitted);
      });
    } catch (error) {
      refuse(socket, error);
    }
  });
}

/** Whom a request to change protocols comes from. Throws what is answered to it instead. */
export function admit(request: IncomingMessage, token: string): Admitted {
  const { headers } = request;
  if (!sameText(headers.authorization?.replace(/^Bearer /i, '') ?? '', token)) {
    const hint = 'send Authorization: Bearer <token>; locally the token lies in .orrery/state/token';
    throw refusal('UNAUTHENTICATED', { status: 401, message: 'the token is missing or wrong', hint });
  }
  const tenant = headers['x-orrery-tenant'] ?? 'main';
  const actor = headers['x-orrery-actor'] ?? 'worker';
  for (const value of [tenant, actor]) {
    if (value === tenant && value === '*') continue;
    if (typeof value !== 'string' || !namePattern.test(value)) {
      const message = `the header x-orrery-${value === tenant ? 'tenant' : 'actor'} is "${String(value)}"`;
      throw refusal('NAME_INVALID', { status: 400, message, hint: 'lower-case letters, digits, hyphens; at most 63' });
    }
  }
  const offered = headers['sec-websocket-protocol'] ?? '';
  if (!offered.split(',').some((name) => name.trim() === subprotocol)) {
    const message = `the worker offers the protocol "${offered}", this orchestrator speaks ${subprotocol}`;
    const hint = 'use the worker library of the release that the environment stands on';
    throw refusal('PROTOCOL_UNKNOWN', { status: 400, message, hint });
  }
  return { tenant: String(tenant), actor: String(actor) };
}

export function notReady(message: string): OrreryError {
  return new OrreryError({ code: 'NOT_READY', message, hint: 'try again in a moment', retry: 'retryable' });
}

function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}

function routeMissing(request: IncomingMessage): OrreryError {
  const message = `there is no ${request.method ?? 'GET'} ${pathOf(request)} to change protocols at`;
  return refusal('ROUTE_NOT_FOUND', { status: 404, message, hint: `workers connect to ${path}` });
}

function refusal(code: string, told: { status: number; message: string; hint: string }): OrreryError {
  return new OrreryError({ code, ...told });
}

function refuse(socket: Duplex, error: unknown): void {
  const known = error instanceof OrreryError ? error : notReady('the orchestrator failed');
  const { code, message, hint, status } = known;
  const body = JSON.stringify({ error: { code, message, hint } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'connection: close',
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    ...(known.retry === 'retryable' ? ['retry-after: 1'] : []),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
