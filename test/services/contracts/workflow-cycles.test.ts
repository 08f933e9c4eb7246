import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { checkTogether, readDefinition, type WorkflowSource } from '#services/contracts/src/definition.ts';

/** The trigger by a workflow stands at line 8, its key in column 7. */
function source(name: string, by: readonly string[], tenant = 'main'): WorkflowSource {
  const text = `kind: Workflow
schema: 1
name: ${name}
owner: people
tenant: ${tenant}
triggers:
  - manual: true
${by.map((other) => `  - { workflow: ${other} }\n`).join('')}steps:
  - { name: s, uses: wait, with: { forMs: 1 } }
`;
  const read = readDefinition(text, `${name}.yaml`);
  assert.ok(read.ok && read.value.kind === 'Workflow', 'the workflow should be sound by itself');
  return { file: `${name}.yaml`, text, workflow: read.value };
}

const told = (...sources: readonly WorkflowSource[]) =>
  checkTogether(sources).map(
    ({ file, line, column, message, hint }) => `${file}:${line}:${column} ${message} | ${hint}`,
  );

describe('workflows that are started by the ends of others', () => {
  it('are left alone where nothing comes round: chains, diamonds, and starters that are not there', () => {
    assert.deepEqual(told(source('a', []), source('b', ['a']), source('c', ['a', 'b']), source('d', ['c', 'x'])), []);
    assert.deepEqual(told(source('a', ['b'], 'one'), source('b', ['a'], 'two')), [], 'tenants see their own alone');
    assert.deepEqual(told(), []);
  });

  it('are refused where two start each other, at the one that was read first, with every place of the round', () => {
    assert.deepEqual(told(source('a', ['b']), source('b', ['x', 'a'])), [
      'a.yaml:8:7 these workflows start each other, without an end: a starts b starts a' +
        ' | take out one of these triggers: a.yaml:8:7, b.yaml:9:7',
    ]);
  });

  it('are refused whichever end counts, and in the order in which they start each other', () => {
    const [a, b, c] = [source('a', ['c']), source('b', ['a']), source('c', ['b'])];
    assert.deepEqual(told(c, source('out', ['b']), b, a), [
      'c.yaml:8:7 these workflows start each other, without an end: c starts a starts b starts c' +
        ' | take out one of these triggers: c.yaml:8:7, a.yaml:8:7, b.yaml:8:7',
    ]);
  });

  it('are refused for every round that has no workflow in common with another, behind whatever else', () => {
    const found = told(
      ...[source('behind', ['b']), source('a', ['b']), source('b', ['a', 'before']), source('before', [])],
      ...[source('c', ['d', 'a']), source('d', ['c'])],
    );
    assert.deepEqual(
      found.map((each) => each.split(' | ')[0]),
      [
        'a.yaml:8:7 these workflows start each other, without an end: a starts b starts a',
        'c.yaml:8:7 these workflows start each other, without an end: c starts d starts c',
      ],
    );
  });

  it('are told of a long round by its first ten, and of 5,000 workflows in a moment', () => {
    const name = (index: number) => `w${index}`;
    const [first] = told(...Array.from({ length: 12 }, (_, index) => source(name(index), [name((index + 11) % 12)])));
    const names = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(name).join(' starts ');
    assert.ok(first?.includes(`without an end: ${names} starts … (2 more) starts w0 |`), first);
    const one = source('one', ['other']);
    const many = Array.from({ length: 5000 }, (_, index) => {
      const by = name((index + 4999) % 5000);
      return { ...one, workflow: { ...one.workflow, name: name(index), triggers: [{ workflow: by }] } };
    });
    const begun = performance.now();
    assert.equal(checkTogether(many).length, 1);
    assert.ok(performance.now() - begun < 2000);
  });
});
