import assert from 'node:assert/strict';
import type { EventBus, OutgoingEvent } from '@orrery/kit/bus/types';
import { Relay, type Outbox, type OutboxEntry } from '#services/orchestrator/src/history/relay.ts';
import { entryText, makeMetrics, quiet, runMoves, stepMoves } from './run-log.ts';

/** An outbox with one turn, as the core has it. */
class FakeOutbox implements Outbox {
  entries: OutboxEntry[] = [];
  holder = '';
  /** Whether the store was started again, with what it had made durable. */
  isAnew = false;

  add(...texts: readonly string[]): void {
    for (const text of texts) this.entries.push({ id: `${this.entries.length + 1}-0`, text });
  }

  async relay(_shard: string, turn: Parameters<Outbox['relay']>[1]): Promise<readonly OutboxEntry[] | undefined> {
    if (this.holder !== '' && this.holder !== turn.relay) return undefined;
    const mine = this.holder === turn.relay && !this.isAnew;
    if (!mine) turn.onAnew?.();
    this.isAnew = false;
    this.holder = turn.relay;
    const last = this.entries.findIndex(({ id }) => id === turn.published);
    if (mine && last >= 0) this.entries.splice(0, last + 1);
    return this.entries.slice(0, turn.entriesMax);
  }
}

describe('the relay of the run log', () => {
  let outbox: FakeOutbox;
  let published: OutgoingEvent[];
  /** So many calls the bus still takes. */
  let accepted: number;
  const bus = {
    publish: async (_topic: string, events: readonly OutgoingEvent[]) => {
      if (accepted === 0) throw new Error('the bus is away');
      accepted -= 1;
      published.push(...events);
    },
  } as Pick<EventBus, 'publish'> as EventBus;
  const open = (metrics = makeMetrics().metrics, last?: number) =>
    new Relay('s00', { outbox, bus, metrics, log: quiet, ...(last === undefined ? {} : { last: () => last }) });
  const entry = (n: number, more: Partial<Parameters<typeof entryText>[0]> = {}) => entryText({ n, ...more });
  const places = () => published.map(({ headers }) => headers['n']);
  beforeEach(() => {
    outbox = new FakeOutbox();
    published = [];
    accepted = Number.POSITIVE_INFINITY;
  });

  it('publishes entries as they are, by their shard and place', async () => {
    const text = entry(1, { events: [runMoves('s00-a', 1, ['', 'queued'])] });
    outbox.add(text);
    assert.equal(await open().round(), false);
    assert.deepEqual(published, [
      {
        key: 's00',
        value: text,
        headers: {
          tenant: 'main',
          actor: 'orchestrator',
          type: 'log.exchange',
          id: 's00/1',
          shard: 's00',
          n: '1',
          schema: '2',
        },
      },
    ]);
  });

  it('says of an entry whose tenant it is, and `*` of several', async () => {
    const events = [runMoves('s00-a', 1, ['', 'queued']), runMoves('s00-b', 1, ['', 'queued'])];
    outbox.add(entry(1, { events, tenants: { 's00-b': 'acme' } }), entry(2, { by: ['acme', 'boris'] }), entry(3));
    await open().round();
    assert.deepEqual(
      published.map(({ headers }) => [headers.tenant, headers.actor]),
      [
        ['*', 'orchestrator'],
        ['acme', 'boris'],
        ['*', 'orchestrator'],
      ],
    );
  });

  it('drops from the outbox only what the bus has', async () => {
    const { metrics, counted } = makeMetrics();
    const relay = open(metrics);
    outbox.add(entry(1), entry(2));
    accepted = 0;
    await assert.rejects(relay.round(), /bus is away/);
    assert.equal(outbox.entries.length, 2);
    accepted = Number.POSITIVE_INFINITY;
    await relay.round();
    assert.equal(outbox.entries.length, 2);
    assert.equal(await relay.round(), false);
    assert.deepEqual([outbox.entries.length, places()], [0, ['1', '2']]);
    assert.equal(relay.publishedN, 2);
    assert.deepEqual(await counted('log_gaps_total'), {});
  });

  it('sends nothing again that the bus took before it refused the rest of a round', async () => {
    const relay = open();
    const call = ['exchange', 'x'.repeat(400 * 1024)];
    const numbers = Array.from({ length: 12 }, (_, index) => index + 1);
    outbox.add(...numbers.map((n) => entry(n, { call })));
    accepted = 1;
    await assert.rejects(relay.round(), /bus is away/);
    accepted = Number.POSITIVE_INFINITY;
    while (await relay.round());
    assert.deepEqual([places(), outbox.entries.length], [numbers.map(String), 0]);
  });

  it('publishes again what another relay may not have, and counts no gap by that', async () => {
    const { metrics, counted } = makeMetrics();
    outbox.add(entry(1), entry(2));
    await open(metrics).round();
    outbox.holder = '';
    const other = open(metrics);
    await other.round();
    await other.round();
    assert.deepEqual(places(), ['1', '2', '1', '2']);
    assert.deepEqual(await counted('log_gaps_total'), {});
  });

  it('publishes again what a store that was started again still has, because the bus may have lost it as well', async () => {
    const relay = open();
    outbox.add(entry(1), entry(2));
    await relay.round();
    outbox.isAnew = true;
    await relay.round();
    await relay.round();
    assert.deepEqual([places(), outbox.entries.length], [['1', '2', '1', '2'], 0]);
  });

  it('counts a gap, and an entry that goes back, and publishes them', async () => {
    const { metrics, counted } = makeMetrics();
    const relay = open(metrics);
    outbox.add(entry(1), entry(2), entry(4));
    await relay.round();
    assert.deepEqual(await counted('log_gaps_total'), { relay: 1 });
    outbox.entries = [{ id: '9-0', text: entry(3, { events: [runMoves('s00-a', 1, ['', 'queued'])] }) }];
    await relay.round();
    assert.deepEqual([await counted('log_gaps_total'), places()], [{ relay: 2 }, ['1', '2', '4', '3']]);
  });

  it('compares its first entry with the last that the bus has', async () => {
    const { metrics, counted } = makeMetrics();
    outbox.add(entry(5));
    await open(metrics, 7).round();
    assert.deepEqual(await counted('log_gaps_total'), { relay: 1 });
    outbox = new FakeOutbox();
    outbox.add(entry(8));
    await open(metrics, 7).round();
    assert.deepEqual(await counted('log_gaps_total'), { relay: 1 });
  });

  it('leaves out the arguments of an entry that no message holds, so that history stays whole', async () => {
    const { metrics, counted } = makeMetrics();
    const events = [stepMoves('s00-a', 1, ['1', 'train', 'running', 'succeeded'])];
    outbox.add(entry(1, { call: ['exchange', 'x'.repeat(500 * 1024)], events }));
    await open(metrics).round();
    const value = JSON.parse(String(published[0]?.value)) as Record<string, unknown>;
    assert.deepEqual([value['call'], value['cut'], (value['events'] as unknown[]).length], [['exchange'], true, 1]);
    assert.deepEqual(await counted('log_cuts_total'), { '': 1 });
  });

  it('waits at what is no entry, and says so', async () => {
    outbox.add('{"n":1}');
    await assert.rejects(open().round(), { code: 'LOG_ENTRY_INVALID' });
    assert.deepEqual([published, outbox.entries.length], [[], 1]);
  });
});
