import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'mocha';
import { checkDefinition, readDefinition } from '#services/contracts/src/definition.ts';
import type { Workflow } from '#services/contracts/src/definitions/workflow.ts';
import { digestOf } from '#services/contracts/src/digest.ts';
import * as build from '#services/contracts/src/workflow-builder.ts';

const { approve, child, event, http, index, item, map, needs, param, program, run, sql, task, wait, workflow } = build;

async function shipped(name: string): Promise<Workflow> {
  const file = new URL(`../../../definitions/workflows/${name}.yaml`, import.meta.url);
  return readWorkflow(await readFile(file, 'utf8'));
}

function readWorkflow(text: string): Workflow {
  const read = readDefinition(text, 'demo.yaml');
  assert.ok(read.ok && read.value.kind === 'Workflow', JSON.stringify(read).slice(0, 2000));
  return read.value;
}

function assertSame(built: Workflow, written: Workflow): void {
  assert.deepEqual(built, written);
  assert.equal(digestOf('workflow', built), digestOf('workflow', written));
}

const often = { attemptsMax: 5, backoffMs: 1000, backoffMaxMs: 30_000 };

function scoreDay(): Workflow {
  const day = param('day');
  const features = http('features', {
    with: {
      service: 'features',
      method: 'POST',
      path: '/v1/feature-sets/flight-delay/materialisations',
      body: { from: day, to: day },
    },
    retry: often,
    timeouts: { attemptSeconds: 600 },
  });
  const score = http('score', {
    needs: [features],
    with: { service: 'scoring', method: 'POST', path: '/v1/models/arrival-delay/batches', body: { day } },
    retry: often,
    timeouts: { attemptSeconds: 600 },
  });
  return workflow({
    name: 'score-day',
    description: 'Scores one day with the live pair, every night; by hand for any other day.',
    owner: 'data',
    triggers: [{ cron: '15 2 * * *', timezone: 'UTC' }, { manual: true }],
    parameters: { day: { type: 'string', default: '2001-06-30', description: 'the last day of the data' } },
    runsMax: 1,
    timeoutSeconds: 1800,
    steps: [features, score],
  });
}

/** The part of `arrival-delay` that trains, with all its references. */
function training(): Workflow['steps'] {
  const model = http('model', {
    with: { service: 'registry', method: 'GET', path: '/v1/models/arrival-delay' },
    retry: { attemptsMax: 5, backoffMs: 500, backoffMaxMs: 5000 },
  });
  const train = program('train', {
    needs: ['dataset', model],
    with: {
      program: 'training',
      arguments: ['--workspace', '.'],
      inputs: { 'model.json': model.result('definition'), 'dataset.parquet': '${{ steps.dataset.result.dataset }}' },
      reuse: 'same-inputs',
      limits: { memoryMiB: 4096, processesMax: 64, outputMiB: 512 },
    },
    retry: { attemptsMax: 3, backoffMs: 1000, backoffMaxMs: 10_000 },
    timeouts: { attemptSeconds: 1200 },
  });
  return [model.definition, train.definition];
}

const everyKind = `kind: Workflow
schema: 1
name: every-kind
owner: data
priority: 7
triggers:
  - event: paid
    parameters: { day: "\${{ event.day }}" }
  - dataset: [flights, weather]
    overlap: skip
    catchUp: { runs: all, withinSeconds: 600 }
parameters:
  day: { type: string, default: today }
steps:
  - name: rows
    uses: sql
    with:
      statement: SELECT * FROM flights WHERE day = {day:String}
      parameters: { day: "\${{ parameters.day }}" }
  - name: each
    needs: [rows]
    uses: map
    with: { over: "\${{ steps.rows.result.rows }}", atOnce: 10, failuresMax: 2 }
    step:
      uses: task
      with: { handler: price, input: { row: "\${{ item }}", id: '\${{ item["flight no"][0] }}', at: "\${{ index }}" } }
      limit: { key: "airline-\${{ item.airline }}", max: 4 }
      fallback: { result: null, classes: [unavailable] }
  - name: ask
    needs: [each]
    uses: approve
    with: { who: [ann, bob], quorum: 2, message: "all of \${{ run.day }}?" }
    timeouts: { totalSeconds: 600 }
  - name: settled
    needs: [ask]
    uses: wait
    with: { event: settled, key: "\${{ run.id }}" }
  - name: report
    needs: [settled, each]
    uses: workflow
    with: { workflow: report, parameters: { prices: "\${{ steps.each.results }}", all: "\${{ needs }}" } }
    updates: [prices]
`;

function builtEveryKind(): Workflow {
  const rows = sql('rows', {
    with: { statement: 'SELECT * FROM flights WHERE day = {day:String}', parameters: { day: param('day') } },
  });
  const each = map('each', {
    needs: [rows],
    with: { over: rows.result('rows'), atOnce: 10, failuresMax: 2 },
    step: {
      uses: 'task',
      with: { handler: 'price', input: { row: item(), id: item('flight no', 0), at: index } },
      limit: { key: `airline-${item('airline')}`, max: 4 },
      fallback: { result: null, classes: ['unavailable'] },
    },
  });
  const ask = approve('ask', {
    needs: [each],
    with: { who: ['ann', 'bob'], quorum: 2, message: `all of ${run.day}?` },
    timeouts: { totalSeconds: 600 },
  });
  const settled = wait('settled', { needs: [ask], with: { event: 'settled', key: run.id } });
  const report = child('report', {
    needs: [settled, each],
    with: { workflow: 'report', parameters: { prices: each.results(), all: needs } },
    updates: ['prices'],
  });
  return workflow({
    name: 'every-kind',
    owner: 'data',
    priority: 7,
    triggers: [
      { event: 'paid', parameters: { day: event('day') } },
      { dataset: ['flights', 'weather'], overlap: 'skip', catchUp: { runs: 'all', withinSeconds: 600 } },
    ],
    parameters: { day: { type: 'string', default: 'today' } },
    steps: [rows, each, ask, settled, report],
  });
}

describe('a workflow that is written in TypeScript', () => {
  it('has the digest of the same in YAML: one that ships', async () => {
    assertSame(scoreDay(), await shipped('score-day'));
  });

  it('has the steps of the same in YAML: one that trains', async () => {
    const { steps } = await shipped('arrival-delay');
    assert.deepEqual(training(), [steps[1], steps[4]]);
  });

  it('has the digest of the same in YAML: one with every kind of step', () => {
    assertSame(builtEveryKind(), readWorkflow(everyKind));
  });

  it('has the digest of the same in YAML and in JSON: one of 5,000 steps that a loop makes', () => {
    const lines = [
      'kind: Workflow',
      'schema: 1',
      'name: wide',
      'owner: data',
      'triggers:',
      '  - manual: true',
      'steps:',
    ];
    const handles = [];
    for (let number = 0; number < 4999; number += 1) {
      const input = `n${number} of \${{ run.day }}: "quoted", 'single' # no comment`;
      const note = `- name: no-step\n# no comment\n\n  deeper ${'x'.repeat(40)}`;
      handles.push(task(`s${number}`, { with: { handler: 'h', input: { input, note } }, retry: { attemptsMax: 3 } }));
      lines.push(`  - name: s${number} # a step`, '    uses: task', '    # its input', '    with:', '      handler: h');
      lines.push('      input:', `        input: 'n${number} of \${{ run.day }}: "quoted", ''single'' # no comment'`);
      lines.push('        note: |-', ...note.split('\n').map((line) => (line === '' ? '' : `          ${line}`)), '');
      lines.push('    retry: { attemptsMax: 3 }');
    }
    const join = task('join', { needs: handles, with: { handler: 'join' } });
    lines.push('  - name: join', `    needs: [${handles.map(({ name }) => name).join(', ')}]`, '    uses: task');
    lines.push('    with: { handler: join }');
    const built = workflow({ name: 'wide', owner: 'data', triggers: [{ manual: true }], steps: [...handles, join] });
    const text = lines.join('\n');
    assert.ok(text.length > 1_000_000, 'it is read piece by piece');
    assertSame(built, readWorkflow(text));
    assertSame(built, readWorkflow(JSON.stringify(built, null, 1)));
  });

  it('is refused for a name that is wrong, with the path and the nearest name', () => {
    const extract = task('extract', { with: { handler: 'h' } });
    const load = task('load', { needs: ['extrat'], with: { handler: 'h', input: extract.result('rows') } });
    const options = { name: 'demo', owner: 'data', triggers: [{ manual: true as const }], steps: [extract, load] };
    assert.throws(
      () => workflow(options),
      (error: unknown) => {
        assert.ok(error instanceof build.WorkflowRefused);
        assert.deepEqual(
          error.problems.map(({ path }) => path),
          [['steps', 1, 'needs', 0]],
        );
        assert.match(error.message, /steps\.1\.needs\.0: there is no step "extrat"\n {4}did you mean "extract"/);
        return true;
      },
    );
  });

  it('is refused for what a type can not tell: a step that is not in it, a parameter that is not declared', () => {
    const other = task('other', { with: { handler: 'h' } });
    const a = task('a', { with: { handler: 'h', input: [other.result(), param('dya')] } });
    const head = { name: 'demo', owner: 'data', triggers: [{ manual: true as const }] };
    const parameters = { day: { type: 'string' as const } };
    assert.throws(
      () => workflow({ ...head, parameters, steps: [a] }),
      /steps\.0\.with\.input\.0: .* there is no step "other"/,
    );
    assert.throws(
      () => workflow({ ...head, parameters, steps: [a, other] }),
      /there is no parameter "dya"\n {4}did you mean "day"/,
    );
  });

  it('is refused for what JSON does not have', () => {
    const a = task('a', { with: { handler: 'h', input: { when: new Date(0) } } });
    assert.throws(
      () => workflow({ name: 'demo', owner: 'data', triggers: [{ manual: true }], steps: [a] }),
      /steps\.0\.with\.input\.when: this value is none that JSON has/,
    );
  });

  it('writes keys as an expression can read them, and refuses those that it can not', () => {
    const train = task('train', { with: { handler: 'h' } });
    assert.equal(train.result('outputs', 'model.onnx', 0), '${{ steps.train.result.outputs["model.onnx"][0] }}');
    assert.equal(item('a-b', '1'), '${{ item.a-b["1"] }}');
    for (const key of ['"', '\\', '', 'a}}b', ' '.repeat(201)]) assert.throws(() => item(key), TypeError, key);
  });
});

describe('a workflow of 100,000 steps', () => {
  const count = 100_000;
  const of = (steps: object[]) => ({
    ...{ kind: 'Workflow', schema: 1, name: 'wide', owner: 'data', triggers: [{ manual: true }], steps },
  });
  const use = (input: string) => ({ uses: 'task', with: { handler: 'h', input } });
  const chain = (needsOf: (number: number) => string[], input: (number: number) => string) =>
    of(
      Array.from({ length: count }, (_, number) => ({
        name: `s${number}`,
        needs: needsOf(number),
        ...use(input(number)),
      })),
    );

  it('may be a chain whose every step reads the first', () => {
    const before = (number: number) => (number === 0 ? [] : [`s${number - 1}`]);
    const value = chain(before, (number) => (number === 0 ? 'x' : '${{ steps.s0.result }}'));
    assert.deepEqual(checkDefinition(value), []);
  });

  it('may be layers whose steps read what is far above them', () => {
    const layer = 1000;
    const before = (number: number) =>
      number < layer
        ? []
        : [0, 1, 32].map((shift) => `s${(Math.floor(number / layer) - 1) * layer + ((number + shift) % layer)}`);
    const far = (number: number) => (number < 80 * layer ? 'x' : `\${{ steps.s${(number * 7) % layer}.result }}`);
    assert.deepEqual(checkDefinition(chain(before, far)), []);
  });

  it('may end in one that joins all others and reads all of them', () => {
    const names = Array.from({ length: count - 1 }, (_, number) => `s${number}`);
    const steps = names.map((name) => ({ name, ...use('x') }));
    const input = names.map((name) => `\${{ steps.${name}.result }}`);
    const join = { name: 'join', needs: names, uses: 'task', with: { handler: 'h', input } };
    assert.deepEqual(checkDefinition(of([...steps, join])), []);
  });

  it('is refused when the last needs the first and the first the last, naming some on the way', () => {
    const found = checkDefinition(
      chain(
        (number) => [`s${(number + 1) % count}`],
        () => 'x',
      ),
    );
    assert.equal(found.length, 1);
    assert.deepEqual(found[0]?.path, ['steps', 0, 'needs']);
    assert.match(
      found[0].message,
      /s0 needs s1 needs .* needs … \(99990 more\) needs s99995 needs .* needs s99999 needs s0$/,
    );
  });

  it('is refused for a step that is beside the one that reads it', () => {
    const before = (number: number) => (number < 2 ? [] : [`s${number - 2}`]);
    const found = checkDefinition(chain(before, (number) => (number === 99_999 ? '${{ steps.s0.result }}' : 'x')));
    assert.deepEqual(
      found.map(({ path }) => path),
      [['steps', 99_999, 'with', 'input']],
    );
    assert.match(found[0]?.message ?? '', /"s99999" may start before "s0" has ended/);
  });

  it('is refused for one more', () => {
    const steps = Array.from({ length: count + 1 }, (_, number) => ({ name: `s${number}`, ...use('x') }));
    assert.match(checkDefinition(of(steps))[0]?.message ?? '', /a list of 100001 items/);
  });
});
