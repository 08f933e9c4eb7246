import { randomUUID } from 'node:crypto';
import { entryBytesMax, runEventsTopic, runLogSchema, type RunLogEntry } from '@orrery/contracts/run-event';
import { splitBySize } from '@orrery/kit/bus/partitioning';
import type { EventBus, OutgoingEvent } from '@orrery/kit/bus/types';
import type { Log } from '@orrery/kit/log';
import { entryTooLarge, entryUnreadable } from './errors.ts';
import type { HistoryMetrics } from './metrics.ts';

/** An entry of the log as it waits in the outbox of its shard. */
export interface OutboxEntry {
  readonly id: string;
  readonly text: string;
}

/** What a relay asks of the core. */
export interface Outbox {
  /**
   * Takes or keeps the turn of `relay`, drops what it has published up to the id `published`, and gives the next entries in order;
   * undefined while another relay has the turn. What `published` names is dropped only if the turn did not change hands in between.
   */
  relay(
    shard: string,
    turn: {
      readonly relay: string;
      readonly leaseMs: number;
      readonly published: string;
      readonly entriesMax: number;
      /** The entry that goes beyond is the last. */
      readonly bytesMax: number;
      /** Called before the answer when what this relay has published before may be gone, and nothing was dropped. */
      readonly onAnew?: () => void;
    },
  ): Promise<readonly OutboxEntry[] | undefined>;
}

export interface RelayDeps {
  readonly outbox: Outbox;
  readonly bus: EventBus;
  readonly metrics: HistoryMetrics;
  readonly log: Log;
  /** The last entry of a shard that the bus is known to have; undefined where nobody knows. */
  readonly last?: (shard: string) => number | undefined;
}

/** Longer than the bus may take to answer, so that a relay that still publishes keeps its turn. */
const leaseMs = 20_000;
/** So much is asked for at once: a large answer would hold Redis up. */
const roundBytes = 256 * 1024;
const entriesMax = 500;
const publishBytesMax = 4 * 1024 * 1024;
const headersBytesMax = 1024;

interface Publication {
  readonly id: string;
  readonly n: number;
  readonly events: number;
  readonly event: OutgoingEvent;
  readonly bytes: number;
}

/** What a relay needs to know of an entry. */
interface EntryHead {
  readonly n: number;
  readonly verb: string;
  readonly by: readonly [tenant: string, actor: string] | undefined;
  readonly runs: RunLogEntry['runs'];
  readonly events: number;
}

/**
 * Hands the outbox of one shard to the bus, in order, one relay at a time. An entry leaves the outbox only when the bus has it; one that
 * is published twice, because a relay died in between, has the same `n`. That an entry does not follow on stops nothing: it is said.
 */
export class Relay {
  readonly #shard: string;
  readonly #deps: RelayDeps;
  readonly #name = randomUUID();
  /** The id of the last entry that the bus has, until the outbox has dropped it. */
  #published = '';
  #last: number | undefined;

  constructor(shard: string, deps: RelayDeps) {
    this.#shard = shard;
    this.#deps = deps;
  }

  /** The last entry that the bus has from this relay; undefined before its first, and after another relay had the turn. */
  get publishedN(): number | undefined {
    return this.#last;
  }

  async round(): Promise<boolean> {
    const { outbox, bus, metrics } = this.#deps;
    const turn = { relay: this.#name, leaseMs, published: this.#published, entriesMax, bytesMax: roundBytes };
    const entries = await outbox.relay(this.#shard, { ...turn, onAnew: () => this.#forget() });
    this.#published = '';
    if (entries === undefined) this.#forget();
    if (entries === undefined || entries.length === 0) return false;
    const publications = entries.map((entry) => this.#publication(entry));
    const bytes = publications.reduce((sum, publication) => sum + publication.bytes, 0);
    const sizeOf = (publication: Publication) => publication.bytes + headersBytesMax;
    for (const chunk of splitBySize(publications, sizeOf, { countMax: entriesMax, bytesMax: publishBytesMax })) {
      await bus.publish(
        runEventsTopic,
        chunk.map(({ event }) => event),
      );
      metrics.relayed.inc(chunk.reduce((sum, { events }) => sum + events, 0));
      for (const { n, id } of chunk) {
        this.#checkPlace(n);
        this.#published = id;
      }
    }
    // Few entries at a time would cost as many calls as they are: others join them while the loop idles.
    return entries.length === entriesMax || bytes >= roundBytes;
  }

  #checkPlace(n: number): void {
    const { log, metrics, last } = this.#deps;
    const before = this.#last ?? last?.(this.#shard);
    this.#last = n;
    // A tail of nothing says nothing: what is older than it was not read.
    if (before === undefined || before === 0 || n === before + 1) return;
    metrics.logGaps.inc({ seen: 'relay' });
    const place = { shard: this.#shard, n, before };
    if (n > before) log.error(place, 'the log has a gap: entries were lost before they were published');
    else log.error(place, 'the log went back: the store has lost its tail, or gives again what was published');
  }

  #forget(): void {
    this.#last = undefined;
  }

  #publication({ id, text }: OutboxEntry): Publication {
    const head = readHead(this.#shard, id, text);
    const { n, verb, by, runs, events } = head;
    const tenants = new Set(Object.values(runs).map(([tenant]) => tenant));
    if (by !== undefined) tenants.add(by[0]);
    const [tenant = '*', ...others] = tenants;
    const headers = {
      tenant: others.length === 0 ? tenant : '*',
      actor: by?.[1] ?? 'orchestrator',
      type: `log.${verb}`,
      id: `${this.#shard}/${n}`,
      shard: this.#shard,
      n: String(n),
      schema: String(runLogSchema),
    };
    const bytes = Buffer.byteLength(text);
    const value = bytes <= entryBytesMax ? text : this.#cut(n, text, bytes);
    return { id, n, events, bytes, event: { key: this.#shard, value, headers } };
  }

  /** An entry that no message holds goes without its arguments: then history is whole, and only a repair can't apply it again. */
  #cut(n: number, text: string, bytes: number): string {
    const entry = JSON.parse(text) as RunLogEntry;
    const cut = JSON.stringify({ ...entry, call: entry.call.slice(0, 1), cut: true });
    const left = Buffer.byteLength(cut);
    if (left > entryBytesMax) throw entryTooLarge(this.#shard, n, left);
    this.#deps.metrics.cut.inc();
    const place = { shard: this.#shard, n, bytes };
    this.#deps.log.warn(place, 'an entry of the log is published without the arguments of its call: it is too large');
    return cut;
  }
}

const marks = { call: ',"call":["', runs: '],"runs":{', events: '},"events":[', nextEvent: '],["' } as const;

/**
 * Reads what stands around the call's arguments and the events, which are long and the business of those who read the topic: what is
 * wrong there must not make an outbox stand still. No text within JSON holds a mark, because its quotes are escaped there.
 */
function readHead(shard: string, id: string, text: string): EntryHead {
  const call = text.indexOf(marks.call);
  const runs = text.indexOf(marks.runs, call);
  const events = text.indexOf(marks.events, runs);
  if (call < 0 || runs < 0 || events < 0) throw entryUnreadable(shard, id, new TypeError('a part of it is missing'));
  try {
    const { n, by } = JSON.parse(`${text.slice(0, call)}}`) as Pick<RunLogEntry, 'n' | 'by'>;
    const verb = text.slice(call + marks.call.length, text.indexOf('"', call + marks.call.length));
    const lines = JSON.parse(text.slice(runs + marks.runs.length - 1, events + 1)) as RunLogEntry['runs'];
    return { n, verb, by, runs: lines, events: countEvents(text, events + marks.events.length) };
  } catch (error) {
    throw entryUnreadable(shard, id, error);
  }
}

function countEvents(text: string, first: number): number {
  if (text[first] !== '[') return 0;
  let count = 1;
  for (let at = text.indexOf(marks.nextEvent, first); at >= 0; at = text.indexOf(marks.nextEvent, at + 1)) count += 1;
  return count;
}
