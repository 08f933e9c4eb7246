import type { ErrorClass } from './step-error.ts';

export const subprotocol = 'orrery.worker.1';
export const frameBytesMax = 1024 * 1024;
/** Endings or leases in one frame. */
export const listMax = 1000;
export const progressBytesMax = 2048;

export interface Lease {
  readonly run: string;
  readonly ref: string;
  readonly fence: string;
}

export interface TaskFrame extends Lease {
  readonly attempt: number;
  readonly handler: string;
  readonly input: unknown;
  readonly tenant: string;
  readonly workflow: string;
  readonly step: string;
  /** 0: no bound. */
  readonly deadlineMs: number;
  /** 0: none is needed. */
  readonly heartbeatMs: number;
  /** A part of the lease's name, given back with each beat. */
  readonly dueMs: number;
}

export interface ErrorFields {
  readonly class: ErrorClass;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly retryable?: boolean;
}

export interface EndingFrame extends Lease {
  readonly outcome: 'succeeded' | 'failed' | 'returned' | 'cancelled';
  readonly result?: unknown;
  readonly error?: ErrorFields;
}

export interface BeatFrame extends Lease {
  readonly dueMs: number;
  readonly progress?: unknown;
}

export type FinishCode = 'accepted' | 'repeated' | 'stale';

export type ServerFrame =
  | { readonly type: 'welcome'; readonly worker: string; readonly leaseMs: number; readonly tenant: string }
  | { readonly type: 'work'; readonly tasks: readonly TaskFrame[] }
  | { readonly type: 'accepted'; readonly codes: readonly FinishCode[] }
  | { readonly type: 'lost'; readonly leases: readonly Lease[] }
  | { readonly type: 'stop'; readonly leases: readonly Lease[]; readonly graceMs: number }
  | { readonly type: 'drain' }
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly hint: string };

export function keyOf({ run, ref, fence }: Lease): string {
  return `${run}|${ref}|${fence}`;
}

/** Calls `send` with frames of at most `listMax` entries and `frameBytesMax` bytes; `tooLarge` gets an entry that is over by itself. */
export function sendLists<T>(
  entries: readonly T[],
  frameOf: (some: readonly T[]) => object,
  to: { readonly send: (text: string) => void; readonly tooLarge: (entry: T, reason: string) => void },
): void {
  const [first] = entries;
  if (first === undefined) return;
  const text = entries.length > listMax ? undefined : textOf(frameOf(entries));
  if (typeof text === 'string') {
    to.send(text);
  } else if (entries.length === 1) {
    to.tooLarge(first, text?.reason ?? '');
  } else {
    const middle = Math.ceil(entries.length / 2);
    sendLists(entries.slice(0, middle), frameOf, to);
    sendLists(entries.slice(middle), frameOf, to);
  }
}

/** A frame as text, or why it can't be sent. */
function textOf(frame: object): string | { readonly reason: string } {
  try {
    const text = JSON.stringify(frame);
    const bytes = text.length * 3 > frameBytesMax ? Buffer.byteLength(text) : text.length;
    return bytes <= frameBytesMax ? text : { reason: `it has ${bytes} bytes, the bound is ${frameBytesMax}` };
  } catch (error) {
    return { reason: `it is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
