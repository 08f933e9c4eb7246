import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'mocha';
import { auditLog, type LogAudit } from '#bench/soak/log-audit.ts';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { eventually } from '#test/support/eventually.ts';
import { dropKafkaLog, readKafkaLog } from './kafka-log.ts';
import { pause, ProcessTree } from './tree.ts';
import { workflowNames, workflows } from './workflows.ts';

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');
const lostMs = 1200;
const closedMaxMs = 30_000;
const losses = 3;

/** Asks for runs until it is told to stop; gives the keys under which they were taken in. */
function keepLoading(tree: ProcessTree, prefix: string): () => Promise<string[]> {
  const told = new AbortController();
  const names: string[] = [];
  const loading = (async () => {
    for (let count = 0; !told.signal.aborted; count += 1) {
      await order(tree, `${prefix}-${count}`);
      names.push(`${prefix}-${count}`);
      await pause(100);
    }
  })();
  return async () => {
    told.abort();
    await loading;
    return names;
  };
}

/** What is asked for under a key is always the same. */
function order(tree: ProcessTree, key: string): Promise<string> {
  const count = Number(/\d+$/.exec(key)?.[0]);
  const workflow = workflowNames[count % workflowNames.length] ?? '';
  return tree.submit(workflow, key, { ms: 20 + ((count * 53) % 300) });
}

/** A tree whose Redis has its files where they can be put back. */
class LossyTree {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'orrery-lost-second-'));
  readonly tree: ProcessTree;

  constructor() {
    const redis = path.join(this.folder, 'redis');
    mkdirSync(redis);
    this.tree = new ProcessTree({ workflows, redis: { appendonly: true, folder: redis } });
  }

  /** Goes on for a while, kills the store, and puts back what it had made durable before. */
  async loseTail(): Promise<void> {
    const [snapshot, live] = [path.join(this.folder, 'snapshot'), path.join(this.folder, 'redis/appendonlydir')];
    rmSync(snapshot, { recursive: true, force: true });
    cpSync(live, snapshot, { recursive: true });
    await pause(lostMs);
    await this.tree.environment.redis.kill();
    rmSync(live, { recursive: true });
    cpSync(snapshot, live, { recursive: true });
  }

  async stop(): Promise<void> {
    await this.tree.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  told(words: RegExp): number {
    return this.tree.orchestrators.reduce((sum, { output }) => sum + (output.match(words)?.length ?? 0), 0);
  }

  /** Waits until every run that the log knows has ended. */
  async settle(readLog: () => Promise<readonly string[]>): Promise<LogAudit> {
    let open: readonly unknown[] = [];
    const settled = async () => {
      const { client } = this.tree;
      const [outbox, leases] = [await client.xlen(keys.outbox('s00')), await client.zcard(keys.leases('s00'))];
      const audit = auditLog(await readLog());
      open = [...audit.runs].filter(([, state]) => state !== 'succeeded');
      return outbox + leases + open.length === 0 && audit;
    };
    return eventually(settled, { timeoutMs: 60_000, intervalMs: 1000, what: 'the end' }).catch((error: unknown) => {
      throw new Error(`these did not end well: ${JSON.stringify(open)}`, { cause: error });
    });
  }

  async assertConsistent(audit: LogAudit): Promise<void> {
    assert.deepEqual([audit.holes, audit.forks, audit.sequenceFaults], [0, [], []]);
    assert.deepEqual(audit.acceptedTwice, []);
    const { held, leases, lines } = await this.tree.left();
    assert.deepEqual({ held, leases, lines }, { held: {}, leases: 0, lines: [] });
  }
}

if (brokers.length === 0) {
  describe('a store that loses its last second while the log is on Kafka', () => {
    it('skipped: KAFKA_BROKERS is not set');
  });
} else {
  describe('a store that loses its last second while the log is on Kafka', function () {
    this.timeout(240_000);
    const lossy = new LossyTree();
    const { tree } = lossy;
    const repairs = () => lossy.told(/the store has the log again/g);

    before(async () => {
      await dropKafkaLog(brokers);
      await tree.start({ bus: { driver: 'kafka', brokers } });
    });
    after(async () => {
      await lossy.stop();
      await dropKafkaLog(brokers);
    });

    it('gets back what was accepted, and goes on without a gap or a fork', async () => {
      const known = new Set<string>();
      await order(tree, 'first-0');
      const isWatched = async () => (await tree.client.hexists(keys.meta('s00'), 'checked')) === 1;
      await eventually(isWatched, { timeoutMs: 60_000, what: 'the tail being read' });
      for (let loss = 1; loss <= losses; loss += 1) {
        const stop = keepLoading(tree, `loss-${loss}`);
        await pause(3000);
        const earlier = repairs();
        await lossy.loseTail();
        // What was on its way to the broker arrives: from here on it is history.
        await pause(300);
        const history = auditLog(await readKafkaLog(brokers));
        for (const accepted of history.accepted) known.add(accepted);
        const backMs = Date.now();
        await tree.environment.redis.restart();
        await eventually(() => repairs() > earlier, { timeoutMs: closedMaxMs, intervalMs: 20, what: 'the repair' });
        const openMs = Date.now() - backMs;
        await pause(1000);
        await stop();
        const audit = await lossy.settle(() => readKafkaLog(brokers));
        await lossy.assertConsistent(audit);
        const lost = [...known].filter((accepted) => !audit.accepted.has(accepted));
        assert.deepEqual(lost, []);
        const counts = `${audit.runs.size} runs, ${audit.entries} entries, ${known.size} results known, none lost`;
        process.stdout.write(`      loss ${loss}: open again ${(openMs / 1000).toFixed(2)} s after; ${counts}\n`);
      }
    });
  });
}

describe('a store that loses its last second together with the bus that lies in it', function () {
  this.timeout(240_000);
  const lossy = new LossyTree();
  const { tree } = lossy;

  before(() => tree.start());
  after(() => lossy.stop());

  it('was told so at each start, and goes on from what it has without contradicting itself', async () => {
    assert.equal(lossy.told(/what that Redis loses when its machine dies can not be brought back/g), 2);
    const stop = keepLoading(tree, 'streams');
    await pause(3000);
    await lossy.loseTail();
    await tree.environment.redis.restart();
    await pause(1000);
    const names = await stop();
    // A caller whose run was lost with its answer asks again under its key, and has one run all the same.
    const runs: string[] = [];
    for (const name of names) runs.push(await order(tree, name));
    assert.equal(new Set(runs).size, names.length);
    const audit = await lossy.settle(() => tree.readLog());
    await lossy.assertConsistent(audit);
    assert.deepEqual(
      runs.filter((run) => audit.runs.get(run) !== 'succeeded'),
      [],
    );
  });
});
