import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from '#test/support/eventually.ts';
import { lagOf, makeEvents, takeoverTimeoutMs, type BusSession, type BusUnderTest } from './bus-under-test.ts';
import type { Order, Point, Report } from './crashing-consumer.ts';
import { TokenSink } from './token-sink.ts';

interface Opened {
  readonly under: BusUnderTest;
  readonly session: BusSession;
}

const killPoints: readonly Point[] = ['after read', 'after intent', 'after write', 'after commit'];

class Child {
  readonly #process: ChildProcess;
  readonly #reports: Report[] = [];

  constructor(order: Order) {
    this.#process = fork(path.join(import.meta.dirname, 'crashing-consumer.ts'), {
      execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process.on('message', (report) => this.#reports.push(report as Report));
    this.#process.send(order);
  }

  details(kind: Report['kind']): string[] {
    return this.#reports.filter((report) => report.kind === kind).map((report) => report.detail);
  }

  has(kind: Report['kind']): Promise<true> {
    const found = () => this.details(kind).length > 0;
    return eventually(found, { timeoutMs: takeoverTimeoutMs, what: `the child's report "${kind}"` });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** The signal that ended it. */
  async end(): Promise<NodeJS.Signals | null> {
    if (!this.ended) await once(this.#process, 'exit');
    return this.#process.signalCode;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.end();
  }
}

function startChild(opened: Opened, order: Omit<Order, 'config'>): Child {
  const child = new Child({ ...order, config: opened.under.config });
  opened.session.onClose(() => child.kill());
  return child;
}

function makeSink(session: BusSession): { folder: string; sink: TokenSink } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'orrery-bus-'));
  session.onClose(async () => rmSync(folder, { recursive: true, force: true }));
  return { folder, sink: new TokenSink(folder) };
}

function assertExactlyOnce(sink: TokenSink, expected: readonly string[]): void {
  assert.deepEqual(sink.differing(), []);
  const ids = sink.entries().flatMap((entry) => entry.ids);
  assert.equal(ids.length, expected.length);
  assert.deepEqual(ids.toSorted(), expected.toSorted());
}

/** Consumers that die, stand still and come back. */
export function describeCrashes(open: () => Opened): void {
  it('loses and doubles nothing when its consumer is killed at every point, again and again', async () => {
    const opened = open();
    const { bus } = opened.session;
    const topic = await opened.session.makeTopic(3);
    const { folder, sink } = makeSink(opened.session);
    const events = makeEvents({ count: 6000, keys: 50 });
    await bus.publish(topic, events.slice(0, 3000));
    const order = { topic, group: 'writers', sinkFolder: folder };
    for (let kill = 0; kill < opened.under.kills; kill += 1) {
      const point = killPoints[kill % 4] ?? 'after read';
      const child = startChild(opened, {
        ...order,
        rowsMax: 20 + ((kill * 37) % 100),
        dieAt: { point, nth: 1 + (kill % 3) },
      });
      if (kill % 4 === 0) await bus.publish(topic, events.slice(3000 + kill * 50, 3000 + kill * 50 + 200));
      assert.equal(await child.end(), 'SIGKILL', child.details('failed').join());
    }
    const left = 3000 + Math.ceil(opened.under.kills / 4) * 200;
    const last = startChild(opened, { ...order, rowsMax: 500 });
    await bus.publish(topic, events.slice(left));
    await eventually(async () => (await lagOf(bus, topic, 'writers')) === 0, { timeoutMs: takeoverTimeoutMs });
    await last.kill();
    assertExactlyOnce(
      sink,
      events.map((event) => event.headers.id),
    );
  });

  it('loses and doubles nothing when one of two members is killed while partitions change hands', async () => {
    const opened = open();
    const { bus } = opened.session;
    const topic = await opened.session.makeTopic(4);
    const { folder, sink } = makeSink(opened.session);
    const order = { topic, group: 'writers', sinkFolder: folder, rowsMax: 15 };
    startChild(opened, order);
    let published = 0;
    for (const [index, point] of killPoints.entries()) {
      const child = startChild(opened, { ...order, rowsMax: 10 + 7 * index, dieAt: { point, nth: 1 + (index % 2) } });
      const publishUntilDead = async () => {
        if (child.ended) return true;
        await bus.publish(topic, makeEvents({ first: published, count: 100, keys: 40 }));
        published += 100;
        return false;
      };
      await eventually(publishUntilDead, { timeoutMs: takeoverTimeoutMs, intervalMs: 100 });
      assert.equal(await child.end(), 'SIGKILL', child.details('failed').join());
    }
    await eventually(async () => (await lagOf(bus, topic, 'writers')) === 0, { timeoutMs: takeoverTimeoutMs });
    assertExactlyOnce(
      sink,
      makeEvents({ count: published }).map((event) => event.headers.id),
    );
  });

  for (const [point, wrote] of [
    ['before intent', false],
    ['before commit', true],
  ] as const) {
    it(`refuses the ${point.slice(7)} of an owner that stood still while a peer took over`, async () => {
      const opened = open();
      const { bus } = opened.session;
      const topic = await opened.session.makeTopic(1);
      const { folder, sink } = makeSink(opened.session);
      const untilFile = path.join(folder, 'go');
      await bus.publish(topic, makeEvents({ count: 50 }));
      const order = { topic, group: 'writers', sinkFolder: folder, rowsMax: 10 };
      const stale = startChild(opened, { ...order, holdAt: { point, untilFile } });
      await stale.has('holding');
      stale.signal('SIGSTOP');
      const peer = startChild(opened, { ...order, rowsMax: 25 });
      await eventually(async () => (await lagOf(bus, topic, 'writers')) === 0, { timeoutMs: takeoverTimeoutMs });
      await peer.kill();
      writeFileSync(untilFile, '');
      stale.signal('SIGCONT');
      await stale.has('refused');
      assert.equal(stale.details('refused')[0], 'BUS_FENCED');
      assert.equal(stale.details('handled').length, wrote ? 1 : 0);
      const [position] = await bus.positions(topic, 'writers');
      assert.equal(position?.lagEvents, 0);
      assertExactlyOnce(
        sink,
        makeEvents({ count: 50 }).map((event) => event.headers.id),
      );
    });
  }
}

/** A broker that dies: for the drivers whose broker is ours to kill. */
export function describeRestarts(open: () => Opened): void {
  it('goes on where it was when the broker is killed and comes back', async () => {
    const { under, session } = open();
    const topic = await session.makeTopic(2);
    const { sink } = makeSink(session);
    const { errors } = await session.consume(topic, 'writers', {
      rowsMax: 30,
      handle: async (range, events) => {
        sink.write({ token: range.token, ids: events.map((event) => event.headers.id) });
      },
    });
    const publishing = (async () => {
      for (let first = 0; first < 3000; first += 50) {
        await session.bus.publish(topic, makeEvents({ first, count: 50, keys: 20 }));
      }
    })();
    await eventually(() => sink.entries().length > 3, { timeoutMs: takeoverTimeoutMs });
    await under.restart?.();
    await publishing;
    await eventually(async () => (await lagOf(session.bus, topic, 'writers')) === 0, { timeoutMs: takeoverTimeoutMs });
    assertExactlyOnce(
      sink,
      makeEvents({ count: 3000 }).map((event) => event.headers.id),
    );
    assert.deepEqual(errors, []);
  });
}
