import { createHash, randomUUID } from 'node:crypto';
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
/** So much is asked for at once, by the mean size of what came before: a large answer would hold Redis up. */
const roundBytes = 512 * 1024;
const entriesMax = 500;
const publishBytesMax = 4 * 1024 * 1024;
const rememberedMax = 1000;

interface Publication {
  readonly id: string;
  readonly n: number;
  readonly digest: string;
  readonly events: number;
  readonly event: OutgoingEvent;
}

/**
 * Hands the outbox of one shard to the bus, in order, one relay at a time. An entry leaves the outbox only when the bus has it; one that
 * is published twice, because a relay died in between, has the same `n`. That an entry does not follow on stops nothing: it is said.
 */
export class Relay {
  readonly #shard: string;
  readonly #deps: RelayDeps;
  readonly #name = randomUUID();
  /** Digests of what this relay has published lately, by `n`. */
  readonly #digests = new Map<number, string>();
  #published = '';
  #last: number | undefined;
  #meanBytes = roundBytes / entriesMax;

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
    const most = Math.max(1, Math.min(entriesMax, Math.floor(roundBytes / this.#meanBytes)));
    const [published, onAnew] = [this.#published, () => this.#forget()];
    const turn = { relay: this.#name, leaseMs, published, entriesMax: most, onAnew };
    const entries = await outbox.relay(this.#shard, turn);
    this.#published = '';
    if (entries === undefined) this.#forget();
    if (entries === undefined || entries.length === 0) return false;
    const publications = entries.map((entry) => this.#publication(entry));
    const bytes = entries.reduce((sum, { text }) => sum + text.length, 0);
    this.#meanBytes = Math.max(1, bytes / entries.length);
    const fresh = publications.filter(({ n, digest }) => this.#digests.get(n) !== digest);
    const sizeOf = ({ event }: Publication) => Buffer.byteLength(event.value) + 1024;
    for (const chunk of splitBySize(fresh, sizeOf, { countMax: entriesMax, bytesMax: publishBytesMax })) {
      await bus.publish(
        runEventsTopic,
        chunk.map(({ event }) => event),
      );
      metrics.relayed.inc(chunk.reduce((sum, { events }) => sum + events, 0));
      this.#remember(chunk);
    }
    this.#published = entries.at(-1)?.id ?? '';
    // Few entries at a time would cost as many calls as they are: others join them while the loop idles.
    return entries.length === most;
  }

  #remember(chunk: readonly Publication[]): void {
    for (const { n, digest } of chunk) {
      this.#checkPlace(n);
      this.#digests.set(n, digest);
    }
    for (const n of this.#digests.keys()) {
      if (this.#digests.size <= rememberedMax) break;
      this.#digests.delete(n);
    }
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
    this.#digests.clear();
  }

  #publication({ id, text }: OutboxEntry): Publication {
    const entry = parse(this.#shard, id, text);
    const value = this.#fit(entry, text);
    const tenants = new Set(Object.values(entry.runs).map(([tenant]) => tenant));
    if (entry.by !== undefined) tenants.add(entry.by[0]);
    const [tenant = '*', ...others] = tenants;
    const headers = {
      tenant: others.length === 0 ? tenant : '*',
      actor: entry.by?.[1] ?? 'orchestrator',
      type: `log.${entry.call[0] ?? ''}`,
      id: `${this.#shard}/${entry.n}`,
      shard: this.#shard,
      n: String(entry.n),
      schema: String(runLogSchema),
    };
    return {
      id,
      n: entry.n,
      digest: digestOfEntry(entry),
      events: entry.events.length,
      event: { key: this.#shard, value, headers },
    };
  }

  /** An entry that no message holds goes without its arguments: then history is whole, and only a repair can't apply it again. */
  #fit(entry: RunLogEntry, text: string): string {
    const bytes = Buffer.byteLength(text);
    if (bytes <= entryBytesMax) return text;
    const cut = JSON.stringify({ ...entry, call: entry.call.slice(0, 1), cut: true });
    const left = Buffer.byteLength(cut);
    if (left > entryBytesMax) throw entryTooLarge(this.#shard, entry.n, left);
    const place = { shard: this.#shard, n: entry.n, bytes };
    this.#deps.metrics.cut.inc();
    this.#deps.log.warn(place, 'an entry of the log is published without the arguments of its call: it is too large');
    return cut;
  }
}

/** Only what a relay needs to know: who reads the topic checks the rest, and an outbox must not stand still for it. */
function parse(shard: string, id: string, text: string): RunLogEntry {
  try {
    const entry = JSON.parse(text) as Partial<RunLogEntry> | null;
    if (isEntry(entry)) return entry;
  } catch (error) {
    throw entryUnreadable(shard, id, error);
  }
  throw entryUnreadable(shard, id, new TypeError('n, call, runs or events are missing'));
}

function isEntry(entry: Partial<RunLogEntry> | null): entry is RunLogEntry {
  const listed = Array.isArray(entry?.call) && Array.isArray(entry.events);
  return Number.isSafeInteger(entry?.n) && listed && typeof entry.runs === 'object';
}

/** Of what it says: an entry that a repair made again has its runs in any order. */
function digestOfEntry({ n, at, release, call, by, runs, events }: RunLogEntry): string {
  const lines = Object.entries(runs).sort(([one], [other]) => (one < other ? -1 : 1));
  const said = JSON.stringify([n, at, release, call, by ?? null, lines, events]);
  return createHash('sha256').update(said).digest('hex');
}
