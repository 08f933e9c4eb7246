import type { Clock } from '../clock.ts';
import { OrreryError } from '../errors.ts';
import { backoff, type RetryOptions } from '../retry.ts';
import { countFitting, rangeOf } from './batch.ts';
import { handlerFailed, isFenced, isUnavailable, outage, rangeChanged } from './errors.ts';
import type { BusConsumer, BusEvent, EventRange, PartitionClaim } from './types.ts';

export interface WorkOptions {
  readonly consumer: Pick<BusConsumer, 'read' | 'intent' | 'commit'>;
  handle(range: EventRange, events: readonly BusEvent[], attempt: number): Promise<void>;
  /** Resolves when another range may begin. */
  gate(signal: AbortSignal): Promise<void>;
  readonly bounds: { rowsMax: number; bytesMax: number; lingerMs: number; attemptsMax: number };
  readonly backoff: Required<Pick<RetryOptions, 'backoffMs' | 'backoffMaxMs' | 'random'>>;
  readonly outageMaxMs: number;
  /** Aborts when nobody waits for the range in hand any longer. */
  readonly abandoned: AbortSignal;
  readonly clock: Clock;
}

/** One read waits so long for a first event, then the loop looks around. */
const idleReadMs = 5000;
/** An intended range was readable when it was cut: so long for all of it to be read again. */
const recutMaxMs = 60_000;

/**
 * Works on one claim until it ends: first the pending range, exactly as it was intended, then range after range. Resolves when
 * the claim was lost, handed over or abandoned. Throws what must stop the consumer.
 */
export async function workPartition(claim: PartitionClaim, options: WorkOptions): Promise<void> {
  try {
    let next = claim.position;
    if (claim.pending !== null) {
      await options.gate(claim.signal);
      const events = await readAgain(claim, claim.pending, options);
      if (events === null || !(await deliver(claim, { range: claim.pending, events }, options))) return;
      next = claim.pending.to + 1;
    }
    while (!hasEnded(claim)) {
      await options.gate(claim.signal);
      const events = await collect(claim, next, options);
      const range = rangeOf(claim, events);
      if (range === null) continue;
      // Closed while reading: the events wait, and are read already.
      await options.gate(claim.signal);
      // A claim that ended while reading intends nothing: the next owner cuts for itself.
      if (hasEnded(claim)) return;
      await record('recording an intent', () => options.consumer.intent(claim, range), options);
      if (!(await deliver(claim, { range, events }, options))) return;
      next = range.to + 1;
    }
  } catch (error) {
    if (isFenced(error) || options.abandoned.aborted) return;
    throw error;
  }
}

function hasEnded(claim: PartitionClaim): boolean {
  return claim.signal.aborted;
}

/** Handles an intended range and commits it; false when it was left, intended but not committed, to the next owner. */
async function deliver(
  claim: PartitionClaim,
  work: { readonly range: EventRange; readonly events: readonly BusEvent[] },
  options: WorkOptions,
): Promise<boolean> {
  const { range, events } = work;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await options.handle(range, events, attempt);
      break;
    } catch (error) {
      const terminal = error instanceof OrreryError && error.retry === 'terminal';
      if (terminal || attempt >= options.bounds.attemptsMax) throw handlerFailed(range.token, attempt, error);
      if (!(await options.clock.sleep(backoff(attempt, options.backoff), claim.signal))) return false;
    }
  }
  await record('committing', () => options.consumer.commit(claim, range), options);
  return true;
}

/** Events from `from` on, until a bound is reached or `lingerMs` have passed since the first. May be empty. */
async function collect(claim: PartitionClaim, from: number, options: WorkOptions): Promise<BusEvent[]> {
  const { bounds, clock } = options;
  const batch: BusEvent[] = [];
  let bytes = 0;
  let deadline: number | undefined;
  while (!hasEnded(claim)) {
    const waitMs = deadline === undefined ? idleReadMs : Math.max(0, deadline - clock.now());
    const room = { eventsMax: bounds.rowsMax - batch.length, bytesMax: Math.max(1, bounds.bytesMax - bytes), waitMs };
    const read = () => options.consumer.read(claim, (batch.at(-1)?.position ?? from - 1) + 1, room);
    const events = await record('reading', read, options);
    const fitting = countFitting(events, { rows: batch.length, bytes }, bounds);
    batch.push(...events.slice(0, fitting.count));
    bytes = fitting.bytes;
    if (fitting.count < events.length || batch.length >= bounds.rowsMax || bytes >= bounds.bytesMax) break;
    if (batch.length === 0) break;
    deadline ??= clock.now() + bounds.lingerMs;
    if (clock.now() >= deadline) break;
  }
  return batch;
}

/** The events of an intended range, whatever today's bounds are; null when the claim ended before. */
async function readAgain(claim: PartitionClaim, range: EventRange, options: WorkOptions): Promise<BusEvent[] | null> {
  const deadline = options.clock.now() + recutMaxMs;
  const found: BusEvent[] = [];
  while (found.length < range.count) {
    if (hasEnded(claim)) return null;
    if (options.clock.now() > deadline)
      throw rangeChanged(range.token, `${found.length} of ${range.count} events found`);
    const from = (found.at(-1)?.position ?? range.from - 1) + 1;
    const room = { eventsMax: range.count - found.length, bytesMax: options.bounds.bytesMax, waitMs: 1000 };
    found.push(...(await record('reading', () => options.consumer.read(claim, from, room), options)));
  }
  if (found[0]?.position !== range.from || found.at(-1)?.position !== range.to) {
    throw rangeChanged(
      range.token,
      `${range.count} events lie at ${found[0]?.position ?? 0}-${found.at(-1)?.position ?? 0}`,
    );
  }
  return found;
}

/** Repeats a step of the bus while the bus gives no answer, for at most `outageMaxMs`. */
async function record<T>(doing: string, step: () => Promise<T>, options: WorkOptions): Promise<T> {
  const began = options.clock.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      if (options.clock.now() - began > options.outageMaxMs) throw outage(doing, options.outageMaxMs, error);
      if (!(await options.clock.sleep(backoff(attempt, options.backoff), options.abandoned))) throw error;
    }
  }
}
