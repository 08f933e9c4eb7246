import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { createFolderStore } from '@orrery/kit/store';
import { loadPair } from '#services/scoring/src/live-pair.ts';
import { deploymentsOf, movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { cloneRepository, collect, type Clone } from '#test/support/clone.ts';
import { eventually } from '#test/support/eventually.ts';
import { sampleFlights, useFlights } from '#test/support/flights.ts';
import { startLoad } from '#test/support/load.ts';
import { keepTamperedPair } from './tampering.ts';
import { call, processesNaming, processesOf, tokenOf, urlOf } from '#test/support/platform.ts';

interface Report {
  readonly release: string;
  readonly rows: { read: number; accepted: number; rejected: number; rejects: { kind: string; rows: number }[] };
  readonly registered: { pair: string; metrics: { baselines: { beats: boolean }[] }; parity: { rows: number } };
  readonly scored: { release: string; pair: string; samples: { prediction: number }[] };
  readonly stages: { name: string; reused: boolean }[];
  readonly fellShort: string[];
}

const everyNth = 10;
const sample = {
  rows: [{ origin: 'ORD', destination: 'LGA', day: '2001-06-29', scheduled_hour: 18, distance_miles: 733 }],
};
const scoringPort = 14;
const predictions = '/v1/models/arrival-delay/predictions';

describe('the platform on one machine', () => {
  let clone: Clone;
  let first: Report;

  before(() => {
    clone = cloneRepository();
    useFlights(clone, sampleFlights(everyNth));
  });
  after(async () => clone.remove());

  it('refuses to start when a port is taken, names it, and leaves nothing behind', async function () {
    this.timeout(120_000);
    const blocker = await listenOn(clone.portBase + scoringPort);
    const answer = await clone.orrery(['start', '--once']);
    blocker.close();
    assert.equal(answer.code, 1);
    assert.match(answer.stderr, new RegExp(`${clone.portBase + scoringPort} \\(scoring\\)[\\s\\S]*ORRERY_PORT_BASE`));
    assert.deepEqual(processesNaming(clone.root), []);
  });

  it('goes from raw files to a live model by one command, every row accounted for, and leaves no process', async function () {
    this.timeout(600_000);
    const answer = await clone.orrery(['start', '--once', '--json']);
    assert.equal(answer.code, 0, answer.stderr);
    first = answer.json() as Report;
    const { rows, registered, scored } = first;
    assert.equal(rows.read, rows.accepted + rows.rejected);
    assert.equal(rows.read, 3_000_000 / everyNth + 200);
    const planted = rows.rejects.reduce((sum, reject) => sum + reject.rows, 0);
    assert.ok(planted >= 200);
    assert.ok(registered.metrics.baselines.every((baseline) => baseline.beats));
    assert.ok(registered.parity.rows >= 1000);
    assert.deepEqual([scored.release, scored.pair, first.fellShort], [first.release, registered.pair, []]);
    assert.deepEqual(processesNaming(clone.root), []);
  });

  it('reuses at a second start what has the same inputs, scores live, and answers the same', async function () {
    this.timeout(300_000);
    const answer = await clone.orrery(['start', '--once', '--json']);
    assert.equal(answer.code, 0, answer.stderr);
    const second = answer.json() as Report;
    const reused = second.stages.filter((stage) => stage.reused).map((stage) => stage.name);
    for (const stage of ['ingest', 'features', 'dataset', 'train', 'register', 'go-live', 'score']) {
      assert.ok(reused.includes(stage), `${stage} was not reused`);
    }
    assert.deepEqual(second.scored, first.scored);
    assert.equal(second.release, first.release);
  });

  it('stays up until Ctrl-C, and then ends in order', async function () {
    this.timeout(300_000);
    const child = clone.start(['start', '--json']);
    const ended = collect(child, 300_000);
    await eventually(async () => (await processesOf(clone)).every((process_) => process_.state === 'ready'), {
      timeoutMs: 60_000,
    });
    child.kill('SIGINT');
    await ended;
    assert.deepEqual(processesNaming(clone.root), []);
  });

  describe('while it is up', () => {
    before(async function () {
      this.timeout(120_000);
      const up = await clone.orrery(['up']);
      assert.equal(up.code, 0, up.stderr);
    });

    it('tells release and synthetic version at every door, and listens on loopback alone', async () => {
      const processes = await processesOf(clone);
      for (const { name, port } of processes.filter((one) => !one.name.startsWith('redis'))) {
        const health = await call<{ service: string; release: string; version: { own: string; closure: string } }>(
          clone,
          (port ?? 0) - clone.portBase,
          '/healthz',
        );
        assert.deepEqual([health.service, health.release], [name, first.release]);
        assert.match(health.version.closure, /^sha256:[0-9a-f]{64}$/);
      }
      const ports = processes.map((one) => one.port ?? 0);
      assert.deepEqual(
        listeners().filter((one) => ports.includes(one.port) && !one.isLoopback),
        [],
      );
      assert.ok(ports.every((port) => listeners().some((one) => one.port === port)));
    });

    it('stands on the release in which the pair is live, deployed step by step like every other', () => {
      const ledger = readLedger({ root: clone.root, state: clone.state }, 'local');
      const moves = movesOf(ledger).map((move) => move.entry.event);
      assert.deepEqual(
        moves.map((event) => event.kind),
        ['pin', 'go-live'],
      );
      assert.equal(moves[1]?.pin.release, first.release);
      const [goLive, ...others] = deploymentsOf(ledger);
      assert.deepEqual([goLive?.ended?.event.outcome, others], ['succeeded', []]);
      assert.deepEqual(goLive?.started.event.steps, [
        'verify',
        'render',
        'materialise',
        'replace scoring',
        'settle',
        'registry',
      ]);
    });

    it('writes its token into no log, no record and no configuration', () => {
      const token = tokenOf(clone);
      const texts = ['logs', 'records', 'pins', 'run'].flatMap((folder) => filesUnder(join(clone.state, folder)));
      assert.ok(texts.length > 10);
      assert.deepEqual(
        texts.filter((file) => readFileSync(file, 'utf8').includes(token)),
        [],
      );
    });

    it('serves no export that was changed, even where every digest holds, and no pair that nobody registered', async () => {
      const store = createFolderStore(join(clone.state, 'store'));
      const tampered = await keepTamperedPair(store, first.registered.pair);
      await assert.rejects(loadPair(store, tampered, 1), { code: 'PARITY_BROKEN' });
      const body = { model: 'arrival-delay', pair: tampered, reason: 'nobody asked for it' };
      await assert.rejects(call(clone, 0, '/v1/live', body), /PAIR_UNKNOWN/);
      assert.equal((await call<{ release: string }>(clone, scoringPort, '/healthz')).release, first.release);
    });

    it('does not change by an edit of a source file', async () => {
      const before = await answerOf(clone);
      const file = 'services/scoring/src/config.ts';
      const text = clone.read(file);
      clone.write(file, text.replace(/default: 2/, 'default: 5'));
      assert.equal(await answerOf(clone), before);
      clone.write(file, text);
    });

    it('rolls out a changed default and back under load without a failed request, byte for byte', async function () {
      this.timeout(300_000);
      const before = await answerOf(clone);
      const load = startLoad({
        url: urlOf(clone, scoringPort) + predictions,
        token: tokenOf(clone),
        body: sample,
        connections: 4,
      });
      clone.commit('services/scoring/src/config.ts', (text) => text.replace(/default: 2/, 'default: 5'));
      const made = await clone.orrery(['release', 'create', '--live', 'local', '--json']);
      assert.equal(made.code, 0, made.stderr);
      const { release } = made.json() as { release: string };
      const lost = await clone.orrery(['release', 'create', '--json']);
      const refused = await clone.orrery(['pin', 'local', (lost.json() as { release: string }).release]);
      assert.equal(refused.code, 3, 'a release without the live pair is refused');
      const pinned = await clone.orrery(['pin', 'local', release]);
      assert.equal(pinned.code, 0, pinned.stderr);
      const changed = await answerOf(clone);
      await eventually(() => load.answered() > 50, { timeoutMs: 60_000 });
      const back = await clone.orrery(['rollback', 'local']);
      assert.equal(back.code, 0, back.stderr);
      const restored = await answerOf(clone);
      const result = await load.stop();

      assert.deepEqual(result.failed, []);
      assert.ok(result.answered > 100);
      assert.notEqual(changed, before);
      assert.equal((JSON.parse(changed) as { release: string }).release, release);
      assert.equal(restored, before);
      assert.ok(result.bodies.includes(before) && result.bodies.includes(changed));
    });
  });
});

async function answerOf(clone: Clone): Promise<string> {
  return JSON.stringify(await call<object>(clone, scoringPort, predictions, sample));
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen({ host: '127.0.0.1', port }, () => resolve(server));
  });
}

/** What listens on this machine, by the kernel's own tables. */
function listeners(): { port: number; isLoopback: boolean }[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readFileSync(table, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => (fields[1] ?? '').split(':'))
      .map(([address = '', port = '0']) => ({
        port: Number.parseInt(port, 16),
        isLoopback: address === '0100007F' || address === '00000000000000000000000001000000',
      })),
  );
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
