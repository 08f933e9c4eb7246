import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { createFolderStore } from '@orrery/kit/store';
import { eventually } from '#test/support/eventually.ts';
import { Environment, type Orchestrator, type RunView } from './environment.ts';

const step = (name: string, script: string, more = '') => `kind: Workflow
schema: 1
name: ${name}
owner: people
triggers: [{ manual: true }]
parameters:
  object: { type: string, default: none }
  value: { type: number, default: 1 }
steps:
  - name: work
    uses: process
    timeouts: { attemptSeconds: 20 }
    with:
      program: shell
      arguments: [-c, '${script.replaceAll("'", "''")}']
      inputs: { object: "\${{ parameters.object }}", numbers.json: ["\${{ parameters.value }}", 2] }
      limits: { memoryMiB: 64, processesMax: 8, outputMiB: 4 }
${more}`;

const copy =
  'cat in/object >out/copy; cat in/numbers.json >out/result.json; ' +
  'echo "{\\"stage\\":\\"half\\",\\"share\\":0.5}"; echo plain; date +%s%N >out/time';

const workflows = {
  'copy.yaml': step('copy', copy, '      reuse: same-inputs\n'),
  'fresh.yaml': step('fresh', copy),
  'environment.yaml': step('environment', 'env | sort >out/env; id -u >out/user'),
  'slow.yaml': step('slow', 'echo "{\\"stage\\":\\"waiting\\"}"; sleep 60'),
  'link.yaml': step('link', 'ln -s /etc/passwd out/passwd'),
  'huge.yaml': step('huge', 'head -c 70000 /dev/zero | tr "\\0" "1" >out/result.json'),
};

describe('a process step', function () {
  this.timeout(30_000);
  const programs = { shell: { command: ['/bin/sh'], environment: { FLAVOUR: 'plain' } } };
  const environment = new Environment({ workflows, programs });
  let orchestrator: Orchestrator;

  before(async () => {
    await environment.start();
    orchestrator = await environment.orchestrator();
  });

  after(() => environment.stop());

  const ended = (run: string): Promise<RunView> =>
    eventually(
      async () => {
        const view = await orchestrator.show(run);
        return ['succeeded', 'failed', 'cancelled'].includes(view.state) && view;
      },
      { what: `the end of ${run}`, timeoutMs: 15_000 },
    );
  const store = () => createFolderStore(join(environment.folder, 'store'));
  const workspaces = () => {
    const folder = join(environment.folder, 'data/workspaces');
    return existsSync(folder) ? readdirSync(folder).flatMap((owner) => readdirSync(join(folder, owner))) : [];
  };

  it('reads its inputs, leaves its result and its files, and takes its workspace with it', async () => {
    const { digest } = await store().put('the object');
    const view = await ended(await orchestrator.run('copy', { object: digest, value: 7 }));
    assert.equal(view.state, 'succeeded', JSON.stringify(view.steps));
    const result = view.steps[0]?.result as Result;
    assert.deepEqual(result.result, [7, 2]);
    assert.equal(result.outputs['copy'], `sha256:${createHash('sha256').update('the object').digest('hex')}`);
    assert.deepEqual(Object.keys(result.outputs), ['copy', 'time']);
    assert.equal(result.program, `sha256:${'0'.repeat(64)}`);
    assert.equal(result.reused, false);
    assert.deepEqual(workspaces(), []);
  });

  it('is not run again for the same inputs where it says that it is a function of them', async () => {
    const { digest } = await store().put('another object');
    const run = async (workflow: string, value: number) => {
      const view = await ended(await orchestrator.run(workflow, { object: digest, value }));
      return view.steps[0]?.result as Result;
    };
    const first = await run('copy', 1);
    const second = await run('copy', 1);
    assert.deepEqual([first.reused, second.reused], [false, true]);
    assert.equal(second.outputs['time'], first.outputs['time']);
    assert.equal((await run('copy', 2)).reused, false, 'another input');
    assert.equal((await run('fresh', 1)).reused, false, 'a step that does not say so');
  });

  it('sees its identity, its workspace and what the release declares, nothing else', async () => {
    const view = await ended(await orchestrator.run('environment'));
    const result = view.steps[0]?.result as Result;
    const env = (await store().get(result.outputs['env'] ?? '')).toString();
    const names = env.split('\n').map((line) => line.split('=')[0] ?? '');
    const expected = ['FENCE', 'FLAVOUR', 'HOME', 'LANG', 'PATH', 'RUN', 'STEP', 'TMPDIR', 'TZ'];
    assert.deepEqual(
      names.filter((name) => !['', 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)),
      expected,
    );
    assert.match(env, new RegExp(`RUN=${view.run}`));
    const user = (await store().get(result.outputs['user'] ?? '')).toString().trim();
    // Root gives up its rights wherever it may.
    if (process.getuid?.() === 0) assert.notEqual(user, '0');
  });

  it('tells its stage, and is stopped when the run is cancelled', async () => {
    const run = await orchestrator.run('slow');
    const progress = await eventually(async () => (await orchestrator.show(run)).steps[0]?.progress);
    assert.deepEqual(progress, { stage: 'waiting' });
    await orchestrator.call(`/v1/runs/${run}/cancel`, { body: {} });
    assert.equal((await ended(run)).state, 'cancelled');
    await eventually(() => workspaces().length === 0, { what: 'the workspace gone', timeoutMs: 5000 });
  });

  it('can not make the orchestrator read what lies elsewhere, nor keep more than a result may be', async () => {
    const link = await ended(await orchestrator.run('link'));
    assert.equal(link.steps[0]?.error?.code, 'OUTPUT_REFUSED');
    assert.match(link.steps[0].error.message, /out\/passwd is no plain file/);
    const huge = await ended(await orchestrator.run('huge'));
    assert.equal(huge.steps[0]?.error?.code, 'OUTPUT_REFUSED');
  });

  it('is taken up again after its orchestrator was killed, and nothing of the first attempt is left', async () => {
    const run = await orchestrator.run('slow');
    await eventually(async () => (await orchestrator.show(run)).steps[0]?.progress);
    await orchestrator.restart();
    const again = await eventually(async () => {
      const [only] = (await orchestrator.show(run)).steps;
      return only?.state === 'running' && only.attempt === 2 && only.progress !== undefined && only;
    });
    assert.equal(again.error, undefined);
    assert.equal(workspaces().length, 1, 'the first workspace was removed at the start');
    await orchestrator.call(`/v1/runs/${run}/cancel`, { body: {} });
  });
});

interface Result {
  readonly result: unknown;
  readonly outputs: Record<string, string>;
  readonly program: string;
  readonly reused: boolean;
}
