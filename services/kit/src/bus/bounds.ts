import { boundExceeded, invalid } from './errors.ts';
import type { OutgoingEvent, TopicSpec } from './types.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** One event: key, value and headers together. Twice this fits into one send under Kafka's 1 MB. */
export const eventBytesMax = 512 * KiB;
export const headersMax = 32;
export const keyBytesMax = 1 * KiB;
export const headerBytesMax = 8 * KiB;
/** One call of `publish`. */
export const publishEventsMax = 10_000;
export const publishBytesMax = 8 * MiB;
/** One send to one partition: under the 1,048,588 bytes that a broker takes, whole or not at all. */
export const sendBytesMax = 900_000;
export const sendEventsMax = 500;
/** Calls of `publish` that wait for their turn at one partition. */
export const publishesWaitingMax = 1000;
export const partitionsMax = 64;
export const groupsMax = 64;
export const membersMax = 128;
/** One batch. A deduplication token holds for bodies up to about 10 MiB only: hence 8 MiB. */
export const batchRowsMax = 50_000;
export const batchBytesMax = 8 * MiB;
export const lingerMaxMs = 60_000;
export const attemptsMaxMax = 1000;
/** A shorter lease would end between two renewals on a busy machine. */
export const leaseMinMs = 300;
export const leaseMaxMs = 300_000;

const namePattern = /^[a-z0-9][a-z0-9._-]{0,126}$/;
const nameRule = 'use at most 127 of a-z, 0-9, dot, underscore and hyphen, beginning with a letter or digit';

export function checkName(what: string, name: string): void {
  if (!namePattern.test(name)) throw invalid(what, name, nameRule);
}

/** Throws unless `value` is an integer in [min, max]. */
export function checkBound(what: string, value: number, range: { min: number; max: number }): void {
  if (!Number.isInteger(value) || value < range.min || value > range.max) {
    throw boundExceeded(what, value, `${range.min} to ${range.max}`);
  }
}

export function checkTopic(spec: TopicSpec): void {
  checkName('topic', spec.topic);
  checkBound('partitions', spec.partitions, { min: 1, max: partitionsMax });
  if (spec.retentionMs !== undefined) {
    checkBound('retentionMs', spec.retentionMs, { min: 0, max: 366 * 24 * 3600 * 1000 });
  }
  if (spec.partitionEventsMax !== undefined) {
    checkBound('partitionEventsMax', spec.partitionEventsMax, { min: 1, max: 100_000_000 });
  }
}

/** Bytes of key, value and headers, as they are counted against every bound. */
export function eventBytes(event: Pick<OutgoingEvent, 'key' | 'value' | 'headers'>): number {
  let bytes = Buffer.byteLength(event.key) + Buffer.byteLength(event.value);
  for (const [name, value] of Object.entries(event.headers)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return bytes;
}

/** Throws for the first event, or the call as a whole, that exceeds a bound. */
export function checkEvents(events: readonly OutgoingEvent[]): void {
  if (events.length > publishEventsMax) throw boundExceeded('events of one publish', events.length, publishEventsMax);
  let total = 0;
  for (const event of events) total += checkEvent(event);
  if (total > publishBytesMax) throw boundExceeded('bytes of one publish', total, publishBytesMax);
}

function checkEvent(event: OutgoingEvent): number {
  const headers = Object.entries(event.headers);
  const bytes = eventBytes(event);
  for (const name of ['tenant', 'actor', 'type', 'id']) {
    if ((event.headers[name] ?? '') === '') {
      throw invalid(
        `header ${name} of event`,
        event.headers[name] ?? '',
        'every event names its tenant, actor, type and id',
      );
    }
  }
  const headerBytes = bytes - Buffer.byteLength(event.key) - Buffer.byteLength(event.value);
  if (headers.length > headersMax)
    throw boundExceeded(`headers of event ${event.headers.id}`, headers.length, headersMax);
  if (headerBytes > headerBytesMax) {
    throw boundExceeded(`header bytes of event ${event.headers.id}`, headerBytes, headerBytesMax);
  }
  if (Buffer.byteLength(event.key) > keyBytesMax) {
    throw boundExceeded(`key bytes of event ${event.headers.id}`, Buffer.byteLength(event.key), keyBytesMax);
  }
  if (bytes > eventBytesMax) throw boundExceeded(`bytes of event ${event.headers.id}`, bytes, eventBytesMax);
  return bytes;
}
