import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'mocha';
import { keys } from '#services/orchestrator/src/core/keys.ts';
import { Floor, shard } from './floor.ts';

const call = (path: string, more: object = {}) => ({ uses: 'http', with: { service: 'peer', path }, ...more });

describe('a step that waits', function () {
  this.timeout(30_000);
  let floor: Floor;

  before(async () => {
    floor = await Floor.open();
  });

  beforeEach(() => {
    floor.requests.length = 0;
    floor.handler = (request, response) => response.end(JSON.stringify({ path: request.path }));
  });

  after(() => floor.stop());

  const control = (run: string, verb: 'cancel') =>
    floor.transitions.control(
      shard,
      { on: run, tenant: 'main', actor: 'ann', reason: 'enough' },
      { verb, graceMs: 2000 },
    );

  describe('for items', () => {
    it('does each, in order of their results, and none twice', async () => {
      floor.define('list', [
        {
          name: 'all',
          uses: 'map',
          with: { over: '${{ parameters.list }}', atOnce: 3 },
          step: call('/v1/${{ item.n }}/${{ index }}'),
        },
        {
          name: 'sum',
          needs: ['all'],
          uses: 'http',
          with: { service: 'peer', path: '/v1/sum', body: '${{ steps.all.results }}' },
        },
      ]);
      const run = await floor.run('list', { list: [{ n: 'a' }, { n: 'b' }, { n: 'c' }, { n: 'd' }] });
      assert.equal(await floor.end(run), 'succeeded');
      assert.deepEqual(await floor.result(run, '0'), { items: 4, failed: 0 });
      const sum = floor.requests.at(-1);
      assert.deepEqual(sum?.body, [{ path: '/v1/a/0' }, { path: '/v1/b/1' }, { path: '/v1/c/2' }, { path: '/v1/d/3' }]);
      assert.deepEqual(floor.requests.map(({ key }) => key).sort(), [
        ...[`${run}/all.0`, `${run}/all.1`, `${run}/all.2`, `${run}/all.3`],
        `${run}/sum`,
      ]);
    });

    it('ends 1,000 of which one fails, within failuresMax, and tells which', async () => {
      floor.handler = ({ path }, response) => {
        if (path === '/v1/437') response.statusCode = 422;
        response.end(JSON.stringify({ n: path }));
      };
      const over = { over: '${{ parameters.list }}', atOnce: 100, failuresMax: 1 };
      floor.define('many', [
        { name: 'all', uses: 'map', with: over, step: call('/v1/${{ item }}') },
        {
          name: 'after',
          needs: ['all'],
          uses: 'http',
          with: { service: 'peer', path: '/v1/x', body: ['${{ steps.all.results }}'] },
        },
      ]);
      const run = await floor.run('many', { list: Array.from({ length: 1000 }, (_, n) => n) });
      assert.equal(await floor.end(run, 20_000), 'succeeded');
      assert.deepEqual(await floor.result(run, '0'), { items: 1000, failed: 1 });
      const [results] = floor.requests.at(-1)?.body as [unknown[]];
      assert.equal(results.length, 1000);
      assert.equal(results[437], null);
      assert.deepEqual(results[999], { n: '/v1/999' });
      assert.equal((await floor.step(run, '0.437'))?.[0], 'failed');
      assert.deepEqual(await floor.held(), {}, 'no slot is left');
    });

    it('fails with more failures than allowed, and skips what needs it', async () => {
      floor.handler = (_request, response) => response.writeHead(422).end('{}');
      floor.define('none', [
        { name: 'all', uses: 'map', with: { over: '${{ parameters.list }}' }, step: call('/v1/x') },
        { name: 'after', needs: ['all'], ...call('/v1/after') },
      ]);
      const run = await floor.run('none', { list: [1, 2, 3] });
      assert.equal(await floor.end(run), 'failed');
      assert.equal((await floor.error(run, '0'))?.code, 'ITEMS_FAILED');
      assert.equal((await floor.step(run, '1'))?.[0], 'skipped');
    });

    it('succeeds at once with an empty list, and fails with what is none or too long', async () => {
      floor.define('odd', [
        { name: 'all', uses: 'map', with: { over: '${{ parameters.list }}', itemsMax: 2 }, step: call('/v1/x') },
      ]);
      const empty = await floor.run('odd', { list: [] });
      assert.equal(await floor.end(empty), 'succeeded');
      for (const list of [{ a: 1 }, [1, 2, 3], ['x'.repeat(65 * 1024)]]) {
        const run = await floor.run('odd', { list });
        assert.equal(await floor.end(run), 'failed');
        assert.equal((await floor.error(run, '0'))?.code, 'ITEMS_WRONG');
      }
    });

    it('keeps the limit of a key among its items', async () => {
      const open = new Map<string, number>();
      const most = new Map<string, number>();
      floor.handler = ({ path }, response) => {
        const now = (open.get(path) ?? 0) + 1;
        open.set(path, now);
        most.set(path, Math.max(now, most.get(path) ?? 0));
        setTimeout(() => {
          open.set(path, (open.get(path) ?? 1) - 1);
          response.end('{}');
        }, 10);
      };
      const limited = call('/v1/${{ item }}', { limit: { key: 'host-${{ item }}', max: 2 } });
      floor.define('polite', [{ name: 'all', uses: 'map', with: { over: '${{ parameters.list }}' }, step: limited }]);
      const run = await floor.run('polite', { list: ['a', 'a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'b'] });
      assert.equal(await floor.end(run), 'succeeded');
      assert.deepEqual([...most].sort(), [
        ['/v1/a', 2],
        ['/v1/b', 2],
      ]);
    });
  });

  describe('for another run', () => {
    before(() => {
      floor.define('child', [{ name: 'work', ...call('/v1/child/${{ parameters.day }}') }], {
        parameters: { day: { type: 'string', default: 'today' } },
      });
      floor.define('parent', [
        { name: 'sub', uses: 'workflow', with: { workflow: 'child', parameters: { day: '${{ parameters.day }}' } } },
      ]);
      floor.define('loop', [{ name: 'again', uses: 'workflow', with: { workflow: 'loop' } }]);
    });

    it('starts it with its parameters, tenant and actor, and takes its end as the result', async () => {
      const run = await floor.run('parent', { day: 'monday' });
      assert.equal(await floor.end(run), 'succeeded');
      const result = (await floor.result(run, '0')) as { run: string; state: string };
      assert.equal(result.state, 'succeeded');
      assert.equal(floor.requests[0]?.path, '/v1/child/monday');
      const child = await floor.redis.hgetall(keys.run(shard, result.run));
      assert.deepEqual(
        [child['tenant'], child['actor'], child['parent'], child['logical']],
        ['main', 'ann', `${run}|0`, String(Date.UTC(2026, 2, 1, 6))],
      );
    });

    it('fails when it fails', async () => {
      floor.handler = (_request, response) => response.writeHead(400).end('{}');
      const run = await floor.run('parent', { day: 'x' });
      assert.equal(await floor.end(run), 'failed');
      assert.equal((await floor.error(run, '0'))?.code, 'CHILD_FAILED');
    });

    it('cancels it when it is cancelled', async () => {
      floor.handler = () => undefined;
      const run = await floor.run('parent', { day: 'x' });
      const [, , , , , , , , on, child] = await floor.until(run, '0', 'suspended');
      assert.equal(on, 'child');
      await floor.until(child, '0', 'running');
      await control(run, 'cancel');
      floor.worker.wake();
      assert.equal(await floor.end(run), 'cancelled');
      assert.equal(await floor.end(child), 'cancelled');
    });

    it('fails for wrong parameters and unknown workflows, and 8 runs down', async () => {
      const wrong = await floor.run('parent', { day: 7 });
      assert.equal(await floor.end(wrong), 'failed');
      assert.equal((await floor.error(wrong, '0'))?.code, 'PARAMETERS_INVALID');
      floor.define('lost', [{ name: 'sub', uses: 'workflow', with: { workflow: 'chil' } }]);
      const lost = await floor.run('lost');
      assert.equal(await floor.end(lost), 'failed');
      assert.match((await floor.error(lost, '0'))?.hint ?? '', /child/);
      const before = await floor.redis.zcard(keys.runs(shard, 'main'));
      assert.equal(await floor.end(await floor.run('loop')), 'failed');
      assert.equal((await floor.redis.zcard(keys.runs(shard, 'main'))) - before, 9);
    });
  });

  describe('for something outside', () => {
    const send = (event: string, key: string, payload: unknown, keptMs = 0) =>
      floor.transitions.signal(shard, 'main', { kind: 'event', event, key, payload: JSON.stringify(payload), keptMs });

    it('takes the payload of an event that comes later, of its key alone', async () => {
      floor.define('paid', [{ name: 'wait', uses: 'wait', with: { event: 'paid', key: '${{ parameters.order }}' } }]);
      const [seven, eight] = [await floor.run('paid', { order: 7 }), await floor.run('paid', { order: 8 })];
      await floor.until(seven, '0', 'suspended');
      await floor.until(eight, '0', 'suspended');
      assert.deepEqual(await floor.held(), {}, 'it holds no slot');
      assert.equal((await send('paid', '7', { euros: 5 })).count, 1);
      assert.equal(await floor.end(seven), 'succeeded');
      assert.deepEqual(await floor.result(seven, '0'), { euros: 5 });
      assert.equal(await floor.state(eight), 'running');
      await control(eight, 'cancel');
      assert.equal(await floor.end(eight), 'cancelled');
    });

    it('takes the payload of an event that came before, while that is kept', async () => {
      floor.define('early', [{ name: 'wait', uses: 'wait', with: { event: 'early' } }]);
      await send('early', '', 'kept', 10_000);
      const run = await floor.run('early');
      assert.equal(await floor.end(run), 'succeeded');
      assert.equal(await floor.result(run, '0'), 'kept');
    });

    it('goes on after its time, and no earlier', async () => {
      floor.define('nap', [{ name: 'wait', uses: 'wait', with: { forMs: 300 } }]);
      floor.define('past', [{ name: 'wait', uses: 'wait', with: { until: '${{ run.time }}' } }]);
      const run = await floor.run('nap');
      assert.equal(await floor.end(run), 'succeeded');
      const [, , , , , started = 0, ended = 0] = (await floor.step(run, '0')) ?? [];
      assert.ok(ended - started >= 300, `${ended - started} ms`);
      assert.equal(await floor.result(run, '0'), null);
      assert.equal(await floor.end(await floor.run('past')), 'succeeded');
    });

    it('ends when an event does not come in time', async () => {
      floor.define('never', [{ name: 'wait', uses: 'wait', with: { event: 'never' }, timeouts: { totalSeconds: 1 } }]);
      const run = await floor.run('never');
      assert.equal(await floor.end(run), 'failed');
      assert.match((await floor.error(run, '0'))?.code ?? '', /^(WAIT_EXPIRED|STEP_TIMEOUT)$/);
    });

    it('takes a dataset that is far enough at once, and waits for one that is not', async () => {
      const from = Date.UTC(2026, 2, 1);
      floor.define('fresh', [{ name: 'wait', uses: 'wait', with: { dataset: 'flights', atLeast: '${{ run.day }}' } }]);
      floor.datasets.set('flights', from - 1);
      const run = await floor.run('fresh');
      await floor.until(run, '0', 'suspended');
      await floor.waits.wake('main', 'flights', from - 1);
      assert.equal(await floor.state(run), 'running');
      floor.datasets.set('flights', from);
      await floor.waits.wake('main', 'flights', from);
      assert.equal(await floor.end(run), 'succeeded');
      assert.deepEqual(await floor.result(run, '0'), { dataset: 'flights', at: '2026-03-01T00:00:00.000Z' });
      assert.equal(await floor.end(await floor.run('fresh')), 'succeeded');
    });
  });

  it('for people needs as many as its quorum, and one rejection fails it', async () => {
    const say = (run: string, actor: string, word: 'approve' | 'reject') =>
      floor.transitions.signal(shard, 'main', { kind: 'decision', run, ref: '0', actor, word, comment: '' });
    floor.define('ask', [{ name: 'ok', uses: 'approve', with: { who: ['ann', 'bob', 'cid'], quorum: 2 } }]);
    const run = await floor.run('ask');
    await floor.until(run, '0', 'suspended');
    assert.equal((await say(run, 'dan', 'approve')).outcome, 'not-asked');
    assert.equal((await say(run, 'ann', 'approve')).outcome, 'counted');
    assert.equal((await say(run, 'ann', 'approve')).outcome, 'said-already');
    assert.equal(await floor.state(run), 'running');
    await say(run, 'bob', 'approve');
    assert.equal(await floor.end(run), 'succeeded');
    const { approvals } = (await floor.result(run, '0')) as { approvals: { actor: string }[] };
    assert.deepEqual(
      approvals.map(({ actor }) => actor),
      ['ann', 'bob'],
    );
    const other = await floor.run('ask');
    await floor.until(other, '0', 'suspended');
    await say(other, 'cid', 'reject');
    assert.equal(await floor.end(other), 'failed');
    assert.equal((await floor.error(other, '0'))?.code, 'APPROVAL_REJECTED');
  });

  it('does not start a second run when its orchestrator dies after it has started one', async () => {
    floor.define('slow', [{ name: 'wait', uses: 'wait', with: { event: 'go' } }]);
    floor.define('above', [{ name: 'sub', uses: 'workflow', with: { workflow: 'slow' } }]);
    const frozen = floor.freezeNext('workflow');
    const run = await floor.run('above');
    await frozen;
    await floor.loseLeases();
    const [, attempt, , lapses] = await floor.until(run, '0', 'suspended');
    assert.deepEqual([attempt, lapses], [2, 1]);
    const runs = await floor.redis.zrange(keys.runs(shard, 'main'), '0', '-1');
    const parents = await Promise.all(runs.map((each) => floor.redis.hget(keys.run(shard, each), 'parent')));
    assert.equal(parents.filter((parent) => parent === `${run}|0`).length, 1);
    await control(run, 'cancel');
    assert.equal(await floor.end(run), 'cancelled');
  });
});
