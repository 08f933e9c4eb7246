import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { eventually } from '#test/support/eventually.ts';
import { startRedis, type RedisServer } from '#test/support/redis.ts';
import { Environment, type Orchestrator } from './environment.ts';

const workflow = (second: string) => `kind: Workflow
schema: 1
name: evolving
owner: people
triggers: [{ manual: true }]
steps:
  - { name: first, uses: http, with: { service: peer, path: /v1/first } }
  - { name: second, needs: [first], uses: http, with: { service: peer, path: ${second} } }
`;

describe('the start of the orchestrator', function () {
  this.timeout(30_000);
  const environment = new Environment({ workflows: { 'evolving.yaml': workflow('/v1/old') } });
  let orchestrator: Orchestrator;
  let cache: RedisServer;

  before(async () => {
    await environment.start();
    cache = await startRedis({ password: environment.token, policy: 'volatile-lru' });
    orchestrator = await environment.orchestrator();
  });

  after(async () => {
    await environment.stop();
    await cache.stop();
  });

  const refusal = async (more: Record<string, unknown>): Promise<string> => {
    const refused = await environment.orchestrator(more).then(
      () => 'it started',
      (error: unknown) => String(error),
    );
    assert.match(refused, /exited with 1/);
    return refused;
  };

  it('leaves a run the definition that it began with, for life', async () => {
    const open: (() => void)[] = [];
    environment.handler = (_asked, response) => open.push(() => response.end('{}'));
    const before_ = await orchestrator.run('evolving');
    await eventually(() => open.length === 1);
    await orchestrator.stop();
    environment.define('evolving.yaml', workflow('/v1/changed'));
    // It takes the step up again before it listens.
    environment.handler = (_asked, response) => response.end('{}');
    await orchestrator.start();
    const view = await eventually(async () => {
      const shown = await orchestrator.show(before_);
      return shown.state === 'succeeded' && shown;
    });
    assert.equal(environment.requests.at(-1)?.path, '/v1/old');
    const run = await orchestrator.run('evolving');
    await eventually(async () => (await orchestrator.show(run)).state === 'succeeded');
    assert.equal(environment.requests.at(-1)?.path, '/v1/changed');
    const current = await orchestrator.call<{ digest: string }>('/v1/workflows/evolving');
    assert.notEqual(view.definition, current.body.digest);
    assert.equal((await orchestrator.show(run)).definition, current.body.digest);
  });

  it('is refused with every problem of every definition', async () => {
    environment.define('a.yaml', workflow('/v1/x').replace('needs: [first]', 'needs: [frist]'));
    environment.define('b.yaml', workflow('/v1/x').replace('manual: true', 'cron: "0 25 * * *"'));
    environment.define('c.yaml', workflow('/v1/x').replace('kind: Workflow', 'kind: Workflow\nretries: 3'));
    const message = await refusal({});
    assert.match(message, /workflows\/a\.yaml:8:29 there is no step "frist"/);
    assert.match(message, /workflows\/b\.yaml:5:14 "0 25 \* \* \*" is no schedule/);
    assert.match(message, /workflows\/c\.yaml:2:1 unknown key "retries"/);
    for (const file of ['a.yaml', 'b.yaml', 'c.yaml']) {
      environment.define(file, workflow('/v1/x').replace('evolving', `other-${file[0] ?? ''}`));
    }
  });

  it('is refused on a Redis that may evict the truth', async () => {
    assert.match(await refusal({ redis: { state: cache.url } }), /maxmemory-policy volatile-lru, .*needs noeviction/);
  });

  it('leads to no runs while Redis is nearly full: what runs must be able to end', async () => {
    const full = new Environment({
      workflows: { 'evolving.yaml': workflow('/v1/x') },
      redis: { maxmemory: '12mb' },
      settings: { memoryShareMax: 0.1 },
    });
    await full.start();
    try {
      const answer = await (
        await full.orchestrator()
      ).call<{ error: { code: string } }>('/v1/workflows/evolving/runs', {
        body: {},
      });
      assert.equal(`${answer.status} ${answer.body.error.code}`, '429 REDIS_FULL');
    } finally {
      await full.stop();
    }
  });

  it('is refused when the number of shards is not the one that the runs lie in', async () => {
    assert.match(await refusal({ settings: { shards: 2 } }), /holds runs in 1 shards, the settings say 2/);
  });
});
