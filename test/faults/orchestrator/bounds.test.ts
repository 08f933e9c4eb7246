import assert from 'node:assert/strict';
import { afterEach, before, describe, it } from 'mocha';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { eventually } from '#test/support/eventually.ts';
import { ProcessTree } from './tree.ts';

const head = { kind: 'Workflow', schema: 1, owner: 'people', triggers: [{ manual: true }], runsMax: 4 };
/** Slots by key, a retry and a timer: what must still be written when nothing more is taken in. */
const steps = [
  { name: 'first', uses: 'task', limit: { key: 'two', max: 2 }, with: { handler: 'sleep', input: { ms: 20 } } },
  { name: 'rest', needs: ['first'], uses: 'wait', with: { forMs: 50 } },
  {
    ...{ name: 'degraded', needs: ['rest'], uses: 'task', fallback: { result: 0 } },
    ...{ retry: { attemptsMax: 2, backoffMs: 20 }, with: { handler: 'fail', input: { message: 'it always fails' } } },
  },
];
const parameters = { text: { type: 'string', default: '' } };
const workflows = { 'work.yaml': JSON.stringify({ ...head, name: 'work', parameters, steps }) };

interface Refusal {
  readonly run: string;
  readonly error?: { readonly code: string };
}

describe('an orchestrator that has no room', function () {
  this.timeout(180_000);
  let tree: ProcessTree;

  const open = async (options: { maxmemory?: string; settings?: Record<string, unknown> }) => {
    const { maxmemory, settings = {} } = options;
    tree = new ProcessTree({
      workflows,
      redis: { appendonly: true, ...(maxmemory === undefined ? {} : { maxmemory }) },
      settings,
    });
    await tree.start();
  };
  afterEach(() => tree.stop());

  /** Asks until it is refused; gives the runs that were taken in, and why the next was not. */
  async function fill(text: string, most: number): Promise<{ runs: string[]; code: string }> {
    const runs: string[] = [];
    const [orchestrator] = tree.orchestrators;
    for (let count = 0; count < most; count += 1) {
      const body = { parameters: { text } };
      const answer = await orchestrator?.call<Refusal>('/v1/workflows/work/runs', { body });
      if (answer?.status !== 201) return { runs, code: `${answer?.status ?? 0} ${answer?.body.error?.code ?? ''}` };
      runs.push(answer.body.run);
    }
    return { runs, code: 'never' };
  }

  const usedShare = async () => {
    const info = await tree.client.info('memory');
    const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1]);
    return of('used_memory') / of('maxmemory');
  };

  describe('in the memory of its store', () => {
    // What is under way when the bound is reached still comes: it is little beside a store of this size.
    const maxmemoryMb = 48;
    // What ended is forgotten at once, or the room that the bus needs would not come back in this test's time.
    before(() => open({ maxmemory: `${maxmemoryMb}mb`, settings: { endedRunsKeptMs: 1000 } }));

    it('refuses runs at 80 %, while leases, endings, limits and timers are still written, and brings all to an end', async () => {
      const { runs, code } = await fill('x'.repeat(60_000), 1000);
      assert.equal(code, '429 REDIS_FULL');
      const share = await usedShare();
      assert.ok(share > 0.8 && share < 0.95, `refused at ${share}`);
      const audit = await tree.settle(runs.length, 120_000);
      assert.deepEqual(
        runs.filter((run) => audit.runs.get(run) !== 'succeeded'),
        [],
      );
      assert.deepEqual([audit.holes, audit.forks, audit.sequenceFaults, audit.acceptedTwice], [0, [], [], []]);
      const { held, leases, timers } = await tree.left();
      assert.deepEqual({ held, leases, timers }, { held: {}, leases: 0, timers: 0 });
      const peak = Number((await tree.client.info('memory')).match(/^used_memory_peak:(\d+)/m)?.[1]);
      process.stdout.write(
        `      ${runs.length} runs taken in, refused at ${(share * 100).toFixed(0)} %, at most ` +
          `${((peak / maxmemoryMb / 1024 / 1024) * 100).toFixed(0)} % while they ended\n`,
      );
    });
  });

  describe('in its outbox', () => {
    before(() => open({ settings: { outboxEventsMax: 40 } }));

    it('refuses runs, lets those that run end, drops nothing, and takes runs in again afterwards', async () => {
      // The relay's turn is kept from the orchestrators, as by a bus that is away.
      const until = String(Date.now() + 600_000);
      await tree.client.hset(`${keys.prefix('s00')}relay`, 'holder', 'nobody', 'until', until);
      const { runs, code } = await fill('', 500);
      assert.equal(code, '429 OUTBOX_FULL');
      const ended = async () => (await tree.client.zcard(`${keys.prefix('s00')}ended`)) === runs.length;
      await eventually(ended, { timeoutMs: 60_000, intervalMs: 100, what: 'those that were taken in having ended' });
      const waiting = await tree.client.xlen(keys.outbox('s00'));
      assert.ok(waiting > 40, `${waiting} entries wait: the bound is for what comes in alone`);
      assert.equal((await fill('', 1)).code, '429 OUTBOX_FULL');
      await tree.client.del(`${keys.prefix('s00')}relay`);
      const again = await eventually(async () => (await fill('', 1)).runs[0], { timeoutMs: 30_000, what: 'room' });
      const audit = await tree.settle(runs.length + 1);
      assert.deepEqual([...audit.runs.keys()].toSorted(), [...runs, again].toSorted());
      assert.deepEqual([audit.holes, audit.forks, audit.sequenceFaults, audit.acceptedTwice], [0, [], [], []]);
    });
  });
});
