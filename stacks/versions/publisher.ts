import type { PinnedEntry, Place } from './pinned-versions.ts';

/** What the publisher of a version answers about it. */
export type Answer =
  /** It exists; the digest where its kind has one. */
  | { readonly kind: 'published'; readonly source: string; readonly digest?: string }
  /** It was asked and has no such version: the nearest that it has. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** It can't be asked from here. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Who can tell whether a version exists. Answers, never throws. */
export interface Publisher {
  /** What it answers for, for example `charts`. */
  readonly group: string;
  readonly ask: (place: Place, entry: PinnedEntry) => Promise<Answer>;
}

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

const requestTimeoutMs = 20_000;

/** A request with a deadline; what went wrong in words instead of a throw. */
export async function request(fetch: Fetch, url: string, init: RequestInit = {}): Promise<Response | string> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) });
  } catch (error) {
    const { message, cause } = error as Error;
    return `${new URL(url).host}: ${cause instanceof Error ? cause.message : message}`;
  }
}

export function unreachable(reason: string): Answer {
  return { kind: 'unreachable', reason };
}
