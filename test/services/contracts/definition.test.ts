import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readDefinition, type Problem } from '#services/contracts/src/definition.ts';

const head = `kind: Workflow
schema: 1
name: demo
owner: people
triggers:
  - manual: true
`;

function problemsOf(text: string): Problem[] {
  const read = readDefinition(text, 'demo.yaml');
  assert.equal(read.ok, false, 'the definition should be refused');
  return read.problems;
}

function only(text: string): { at: string; message: string; hint: string } {
  const problems = problemsOf(text);
  assert.equal(problems.length, 1, JSON.stringify(problems, null, 1));
  const [problem] = problems;
  assert.ok(problem !== undefined);
  return { at: `${problem.file}:${problem.line}:${problem.column}`, message: problem.message, hint: problem.hint };
}

describe('a workflow definition', () => {
  it('is read whole when nothing is wrong', () => {
    const read = readDefinition(
      `${head}parameters:
  day: { type: string, default: "2001-06-15" }
steps:
  - name: build
    uses: http
    with: { service: features, path: /v1/x, body: { day: "\${{ parameters.day }}" } }
  - name: train
    needs: [build]
    uses: process
    with:
      program: training
      inputs: { data: "\${{ steps.build.result.dataset }}", whole: "\${{ steps.build.result[\\"a.b\\"][0] }}" }
      limits: { memoryMiB: 512 }
  - name: wait
    needs: [train]
    uses: wait
    with: { forMs: 10 }
`,
      'demo.yaml',
    );
    assert.ok(read.ok, JSON.stringify(read));
    assert.equal(read.value.name, 'demo');
  });

  it('tells the line, the column and the nearest word for a misspelt key', () => {
    const problem = only(`${head}steps:
  - name: a
    uses: wait
    whith: { milliseconds: 5 }
    with: { forMs: 5 }
`);
    assert.equal(problem.at, 'demo.yaml:10:5');
    assert.match(problem.message, /unknown key "whith" in steps\.0/);
    assert.match(problem.hint, /did you mean "with"/);
  });

  it('tells one problem, not one for each kind of step, when `uses` is misspelt', () => {
    const problem = only(`${head}steps:
  - name: a
    uses: proces
    with: { forMs: 5 }
`);
    assert.equal(problem.at, 'demo.yaml:9:5');
    assert.match(problem.message, /steps\.0\.uses is "proces"/);
    assert.match(problem.hint, /did you mean "process"\? allowed: task, process, http/);
  });

  it('judges a step by what it uses', () => {
    const problem = only(`${head}steps:
  - name: a
    uses: process
    with:
      program: training
      limits: { memoryMib: 512, memoryMiB: 512 }
`);
    assert.equal(problem.at, 'demo.yaml:12:17');
    assert.match(problem.hint, /did you mean "memoryMiB"/);
  });

  it('says which key a step lacks', () => {
    const problem = only(`${head}steps:
  - name: a
    with: { forMs: 5 }
`);
    assert.match(problem.message, /steps\.0 lacks "uses"/);
    assert.match(problem.hint, /task, process, http, sql, map, workflow, wait, approve/);
  });

  it('explains a name by its rule rather than by its pattern alone', () => {
    const problem = only(`${head}steps:
  - name: Build It
    uses: wait
    with: { forMs: 5 }
`);
    assert.equal(problem.at, 'demo.yaml:8:5');
    assert.match(problem.hint, /lower-case letters, digits and hyphens/);
  });

  it('judges a trigger by the keys that it has', () => {
    const problem = only(`kind: Workflow
schema: 1
name: demo
owner: people
triggers:
  - cron: "0 6 * * *"
    timezome: Europe/Berlin
steps:
  - { name: a, uses: wait, with: { forMs: 5 } }
`);
    assert.equal(problem.at, 'demo.yaml:7:5');
    assert.match(problem.hint, /did you mean "timezone"\? known keys: cron, timezone/);
  });

  it('points at broken YAML', () => {
    const [problem] = problemsOf(`${head}steps:\n  - name: a\n   uses: wait\n`);
    assert.equal(problem?.line, 9);
    assert.match(problem.hint, /indentation/);
  });

  it('refuses a key that stands twice', () => {
    const [problem] = problemsOf(`${head}name: other\nsteps: []\n`);
    assert.equal(problem?.line, 7);
  });

  it('names the nearest kind', () => {
    const problem = only('kind: Workflw\nschema: 1\n');
    assert.equal(problem.at, 'demo.yaml:1:1');
    assert.match(problem.hint, /did you mean "Workflow"/);
  });
});

describe('the path of an http step', () => {
  it('can not lead to another host, which would be sent the token', () => {
    for (const path of ['//evil.example/x', '/\\\\evil.example/x', 'http://evil.example/x']) {
      const problem = only(`${head}steps:\n  - { name: a, uses: http, with: { service: peer, path: "${path}" } }\n`);
      assert.equal(problem.at, 'demo.yaml:8:51', path);
      assert.match(problem.hint, /a path of the service/);
    }
  });
});

describe('the graph of a workflow', () => {
  const sleep = (name: string, needs: string) =>
    `  - name: ${name}\n    needs: [${needs}]\n    uses: wait\n    with: { forMs: 5 }\n`;

  it('refuses a need that no step has, with its place and the nearest name', () => {
    const problem = only(`${head}steps:\n${sleep('extract', '')}${sleep('load', 'extrat')}`);
    assert.equal(problem.at, 'demo.yaml:13:13');
    assert.match(problem.message, /no step "extrat"/);
    assert.match(problem.hint, /did you mean "extract"/);
  });

  it('refuses two steps of one name', () => {
    const problem = only(`${head}steps:\n${sleep('a', '')}${sleep('b', 'a')}${sleep('a', 'b')}`);
    assert.equal(problem.at, 'demo.yaml:16:5');
    assert.match(problem.message, /"a" stands here a second time: it is steps\.0/);
  });

  it('shows the way round a cycle', () => {
    const problem = only(`${head}steps:\n${sleep('a', 'c')}${sleep('b', 'a')}${sleep('c', 'b')}`);
    assert.match(problem.message, /a needs c needs b needs a/);
    assert.equal(problem.at, 'demo.yaml:9:5');
  });

  it('refuses a step that needs itself, and a need that stands twice', () => {
    assert.match(only(`${head}steps:\n${sleep('a', 'a')}`).message, /"a" needs itself/);
    assert.match(only(`${head}steps:\n${sleep('a', '')}${sleep('b', 'a, a')}`).message, /"a" stands here twice/);
  });

  it('refuses a backoff whose bound is below its beginning', () => {
    const problem = only(`${head}steps:
  - name: a
    retry: { attemptsMax: 3, backoffMs: 1000, backoffMaxMs: 100 }
    uses: wait
    with: { forMs: 5 }
`);
    assert.match(problem.message, /backoffMaxMs is 100, less than backoffMs, 1000/);
  });
});

describe('the expressions of a workflow', () => {
  const calls = (expression: string, needs = '[build]') => `${head}parameters:
  day: { type: string }
steps:
  - { name: build, uses: wait, with: { forMs: 1 } }
  - name: call
    needs: ${needs}
    uses: http
    with: { service: features, path: /v1/x, body: { deep: [1, "${expression}"] } }
`;

  it('must name a parameter that is declared', () => {
    const problem = only(calls('${{ parameters.dy }}'));
    assert.equal(problem.at, 'demo.yaml:14:63');
    assert.match(problem.message, /no parameter "dy"/);
    assert.match(problem.hint, /did you mean "day"/);
  });

  it('must name a step that exists', () => {
    assert.match(only(calls('${{ steps.biuld.result.x }}')).hint, /did you mean "build"/);
  });

  it('must name a step that has ended by then', () => {
    const problem = only(calls('${{ steps.build.result.x }}', '[]'));
    assert.match(problem.message, /"call" may start before "build" has ended/);
    assert.match(problem.hint, /add "build" to the needs of "call"/);
  });

  it('may look further up than the direct needs', () => {
    const read = readDefinition(
      `${head}steps:
  - { name: a, uses: wait, with: { forMs: 1 } }
  - { name: b, needs: [a], uses: wait, with: { forMs: 1 } }
  - { name: c, needs: [b], uses: http, with: { service: x, path: "/v1/\${{ steps.a.result.id }}" } }
`,
      'demo.yaml',
    );
    assert.ok(read.ok, JSON.stringify(read));
  });

  it('take a result from a step, nothing else', () => {
    assert.match(only(calls('${{ steps.build.output }}')).message, /offers its result, not "output"/);
  });

  it('must be closed, begin with a known word and read as a path', () => {
    assert.match(only(calls('${{ parameters.day')).message, /no closing }}/);
    assert.match(only(calls('${{ params.day }}')).message, /begins with "params"/);
    assert.match(only(calls('${{ parameters.day + 1 }}')).message, /can't be read from " \+ 1" on/);
  });

  it('know what a run offers', () => {
    assert.match(only(calls('${{ run.dai }}')).hint, /did you mean "day"\? known: id, tenant, time, day/);
  });
});

describe('the parameters of a workflow', () => {
  it('have defaults of their type', () => {
    const problem = only(`${head}parameters:
  rows: { type: number, default: "many" }
steps:
  - { name: a, uses: wait, with: { forMs: 1 } }
`);
    assert.equal(problem.at, 'demo.yaml:8:25');
    assert.match(problem.message, /default of "rows" is "many", its type is number/);
  });

  it('all have defaults when a clock starts the runs', () => {
    const problem = only(`kind: Workflow
schema: 1
name: demo
owner: people
triggers:
  - cron: "0 6 * * *"
parameters:
  day: { type: string }
steps:
  - { name: a, uses: wait, with: { forMs: 1 } }
`);
    assert.equal(problem.at, 'demo.yaml:8:3');
    assert.match(problem.message, /"day" has no default, but a cron trigger/);
  });
});
