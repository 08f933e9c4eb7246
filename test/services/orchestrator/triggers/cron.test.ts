import assert from 'node:assert/strict';
import { after, before, describe, it } from 'mocha';
import { eventually } from '#test/support/eventually.ts';
import { Environment, type Orchestrator, type RunView } from '../environment.ts';

const workflow = `kind: Workflow
schema: 1
name: everyday
owner: people
triggers:
  - cron: "* * * * * *"
    timezone: Europe/Berlin
runsMax: 10
steps:
  - { name: call, uses: http, with: { service: peer, path: /v1/x, body: { time: "\${{ run.time }}", day: "\${{ run.day }}" } } }
`;

describe('a cron trigger', function () {
  this.timeout(30_000);
  const environment = new Environment({ workflows: { 'everyday.yaml': workflow } });
  let orchestrators: Orchestrator[];

  before(async () => {
    await environment.start();
    orchestrators = await Promise.all([environment.orchestrator(), environment.orchestrator()]);
  });

  after(() => environment.stop());

  it('fires once for each logical time, although two orchestrators look at the clock', async () => {
    const [first] = orchestrators;
    assert.ok(first !== undefined);
    const runs = await eventually(async () => {
      const answer = await first.call<{ runs: (RunView & { trigger: string })[] }>('/v1/runs?state=succeeded');
      return answer.body.runs.length >= 4 && answer.body.runs;
    });
    assert.equal(runs[0]?.trigger, 'cron * * * * * * Europe/Berlin');
    assert.equal(runs[0].actor, 'cron');
    const times = environment.requests.map(({ body }) => (body as { time: string }).time);
    assert.equal(new Set(times).size, times.length, 'no time twice');
    const seconds = times.map((time) => Date.parse(time) / 1000).sort();
    assert.ok(
      seconds.every((second) => Number.isInteger(second)),
      'a logical time is the time that was due',
    );
    const gaps = seconds.slice(1).map((second, i) => second - (seconds[i] ?? 0));
    assert.ok(
      gaps.every((gap) => gap <= 2),
      `each time is fired: ${gaps.join()}`,
    );
  });
});
