import { messageOf, OrreryError } from './errors.ts';

export interface PeerCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly tenant?: string;
  readonly actor?: string;
  readonly idempotencyKey?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface PeerAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Another service, called by its HTTP API. */
export interface Peer {
  /**
   * Answers 2xx only. Throws a retryable OrreryError when the peer can't be reached, is busy (429) or fails (5xx), and a terminal
   * one, with the peer's own code and hint, when it refuses the call. What a Retry-After asks for is the error's `retryAfterMs`.
   */
  call(call: PeerCall): Promise<PeerAnswer>;
}

const timeoutDefaultMs = 30_000;
const retryAfterMaxMs = 3_600_000;

export function createPeer(options: { name: string; url: string; token: string }): Peer {
  return {
    async call(call) {
      const signals = [AbortSignal.timeout(call.timeoutMs ?? timeoutDefaultMs)];
      if (call.signal !== undefined) signals.push(call.signal);
      const request: RequestInit = {
        method: call.method,
        headers: headersOf(call, options.token),
        signal: AbortSignal.any(signals),
      };
      if (call.body !== undefined) request.body = JSON.stringify(call.body);
      let status: number;
      let text: string;
      let retryAfter: string | null;
      try {
        const response = await fetch(new URL(call.path, options.url), request);
        status = response.status;
        retryAfter = response.headers.get('retry-after');
        text = await response.text();
      } catch (cause) {
        throw unreachable(options, call, cause);
      }
      const body = parseBody(text);
      if (status >= 200 && status < 300) return { status, body };
      throw refused(options.name, call, { status, body, retryAfterMs: parseRetryAfter(retryAfter) });
    },
  };
}

function headersOf(call: PeerCall, token: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.tenant === undefined ? {} : { 'x-orrery-tenant': call.tenant }),
    ...(call.actor === undefined ? {} : { 'x-orrery-actor': call.actor }),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
  };
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function unreachable(options: { name: string; url: string }, call: PeerCall, cause: unknown): OrreryError {
  const reason = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
  return new OrreryError({
    code: 'PEER_UNREACHABLE',
    message: `${call.method} ${call.path} of ${options.name} at ${options.url} failed: ${reason}`,
    hint: `check that ${options.name} runs: npx orrery status`,
    retry: 'retryable',
    cause,
  });
}

/** Seconds, or a date. */
function parseRetryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(0, waitMs), retryAfterMaxMs);
}

function refused(
  name: string,
  call: PeerCall,
  answer: { readonly status: number; readonly body: unknown; readonly retryAfterMs: number | undefined },
): OrreryError {
  const { status, body, retryAfterMs } = answer;
  const error = (body as { error?: { code?: string; message?: string; hint?: string } } | undefined)?.error;
  const retry = status === 429 || status >= 500 ? 'retryable' : 'terminal';
  return new OrreryError({
    code: error?.code ?? 'PEER_REFUSED',
    message: `${call.method} ${call.path} of ${name} answered ${status}: ${error?.message ?? JSON.stringify(body)}`,
    hint: error?.hint ?? `see the log of ${name}: npx orrery logs ${name}`,
    retry,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
