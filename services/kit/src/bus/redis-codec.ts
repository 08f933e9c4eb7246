import { invalid, refused } from './errors.ts';
import type { BusEvent, EventHeaders, OutgoingEvent } from './types.ts';

/** An event as the function `publish` takes it: key, value, headers. */
export function encodeEvent(event: OutgoingEvent): (string | Buffer)[] {
  const value = typeof event.value === 'string' ? event.value : Buffer.from(event.value);
  return [event.key, value, JSON.stringify(event.headers)];
}

/** An entry of a stream, as XRANGE gives it. */
export function decodeEntry([id, fields]: [id: Buffer, fields: Buffer[]]): BusEvent {
  const position = Number.parseInt(id.toString('latin1'), 10);
  const [, key, , value, , headers] = fields;
  if (key === undefined || value === undefined || headers === undefined || !Number.isSafeInteger(position)) {
    throw invalid('stream entry', id.toString('latin1'), 'an entry has the fields k, v and h: who else writes here?');
  }
  return {
    position,
    key: key.toString(),
    value,
    headers: JSON.parse(headers.toString()) as EventHeaders,
    timestampMs: Math.floor(position / 1000),
  };
}

/** The answer of a function that returns numbers. */
export function decodeNumbers(answer: unknown, doing: string): number[] {
  if (Array.isArray(answer) && answer.every((item): item is number => typeof item === 'number')) return answer;
  throw refused(doing, new Error(`a function of the bus answered ${JSON.stringify(answer)}`));
}

export function decodeStrings(answer: unknown, doing: string): string[] {
  if (Array.isArray(answer) && answer.every((item): item is string => typeof item === 'string')) return answer;
  throw refused(doing, new Error(`a function of the bus answered ${JSON.stringify(answer)}`));
}
