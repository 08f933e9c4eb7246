import assert from 'node:assert/strict';
import type { Transitions } from '#services/orchestrator/src/core/transitions.ts';
import type { Told } from './replica.ts';
import type { ToldEntry } from './log-invariants.ts';

type Entry = Told & ToldEntry;

const outcomesOf: Readonly<Record<string, readonly string[]>> = {
  // A failure may end in what was declared for that case.
  succeeded: ['succeeded', 'failed'],
  failed: ['failed'],
  retrying: ['failed'],
  suspended: ['suspended'],
  ready: ['returned', 'cancelled'],
  cancelled: ['returned', 'cancelled', 'suspended'],
};

/** What a relay has published of a shard: it outlives the store. Published twice must be the same twice. */
export class Bus {
  readonly #entries = new Map<number, Entry>();

  get last(): number {
    return this.#entries.size;
  }

  /** In order. */
  all(): Entry[] {
    return [...this.#entries.values()].sort((left, right) => left.n - right.n);
  }

  after(n: number): Entry[] {
    return this.all().filter((entry) => entry.n > n);
  }

  /** Leases with the outcomes that what became of them may come from: a lease that lapsed had none. */
  endings(): Set<string> {
    const found = new Set<string>();
    for (const { events } of this.#entries.values()) {
      for (const [run, , ref, , , fence, from, to, reason] of events) {
        if (from !== 'running' || reason === 'lease lost') continue;
        for (const outcome of outcomesOf[String(to)] ?? []) found.add([run, ref, fence, outcome].join('|'));
      }
    }
    return found;
  }

  /** Takes some of the outbox; `isTold`: and tells the store that it did. */
  async publish(
    transitions: Transitions,
    shard: string,
    { most, isTold }: { most: number; isTold: boolean },
  ): Promise<number> {
    const turn = { relay: 'relay', leaseMs: 60_000, bytesMax: 1e9 };
    const found = (await transitions.relay(shard, { ...turn, published: '', entriesMax: most })) ?? [];
    for (const { text } of found) this.#take(text);
    const published = found.at(-1)?.id ?? '';
    if (isTold && published !== '') await transitions.relay(shard, { ...turn, published, entriesMax: 1 });
    return found.length;
  }

  #take(text: string): void {
    const entry = { ...(JSON.parse(text) as Omit<Entry, 'text'>), text };
    const known = this.#entries.get(entry.n);
    assert.equal(text, known?.text ?? text, `entry ${entry.n} is published again as it was`);
    this.#entries.set(entry.n, entry);
  }
}
