import type { IHeaders, KafkaMessage, Message } from 'kafkajs';
import { makeRange } from './batch.ts';
import { eventBytes } from './bounds.ts';
import type { BusEvent, EventHeaders, EventRange, OutgoingEvent } from './types.ts';

/** What a record batch adds to an event: offsets, lengths, attributes. Generous. */
const recordOverheadBytes = 128;

export function encodeMessage(event: OutgoingEvent, partition: number): Message {
  const value = typeof event.value === 'string' ? event.value : Buffer.from(event.value);
  return { key: event.key, value, headers: { ...event.headers }, partition };
}

export function messageBytes(event: OutgoingEvent): number {
  return eventBytes(event) + recordOverheadBytes * (1 + Object.keys(event.headers).length);
}

/**
 * An event as it is read. Whoever else writes to the topic may leave headers out: then the tenant is `main`, the actor
 * `unknown`, the type the topic, and the id the place in the log.
 */
export function decodeMessage(
  place: { readonly topic: string; readonly partition: number },
  message: KafkaMessage,
): BusEvent {
  const headers: EventHeaders = {
    tenant: 'main',
    actor: 'unknown',
    type: place.topic,
    id: `${place.topic}:${place.partition}:${message.offset}`,
    ...decodeHeaders(message.headers ?? {}),
  };
  return {
    position: Number(message.offset),
    key: message.key?.toString() ?? '',
    value: message.value ?? Buffer.alloc(0),
    headers,
    timestampMs: Number(message.timestamp),
  };
}

function decodeHeaders(headers: IHeaders): Record<string, string> {
  const decoded: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) decoded[name] = first.toString();
  }
  return decoded;
}

/** The metadata of the offset commit that is an intent: the commit's offset is `from`. */
export function encodeIntent(range: EventRange): string {
  return JSON.stringify({ to: range.to, count: range.count });
}

/** The range of an intent, or null of a plain commit. */
export function decodeIntent(
  place: { readonly topic: string; readonly partition: number },
  from: number,
  metadata: string | null,
): EventRange | null {
  if (metadata === null || metadata === '') return null;
  const { to, count } = parseObject(metadata);
  if (!Number.isSafeInteger(to) || !Number.isSafeInteger(count)) return null;
  return makeRange(place, { from, to: Number(to), count: Number(count) });
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // Other clients put other words there: no intent of ours.
    return {};
  }
}
