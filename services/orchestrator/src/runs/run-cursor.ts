import { cursorInvalid } from '../errors.ts';

/** A place in the list of a tenant's runs, the latest first: behind this run. */
export interface Cursor {
  readonly createdMs: number;
  readonly run: string;
}

export function writeCursor({ createdMs, run }: Cursor): string {
  return `${createdMs.toString(36)}~${run}`;
}

/** Throws `CURSOR_INVALID`. */
export function readCursor(text: string): Cursor {
  const [, created = '', run = ''] = /^([0-9a-z]{1,11})~([0-9a-z-]{1,64})$/.exec(text) ?? [];
  const createdMs = parseInt(created, 36);
  if (Number.isNaN(createdMs)) throw cursorInvalid(text);
  return { createdMs, run };
}

/** Where a list begins: behind the cursor, and before a time. */
export function startOf(from: Cursor | undefined, createdBeforeMs: number | undefined): Cursor {
  const begin = { createdMs: createdBeforeMs ?? Infinity, run: '' };
  return from === undefined || from.createdMs > begin.createdMs ? begin : from;
}
