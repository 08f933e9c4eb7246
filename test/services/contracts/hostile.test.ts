import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { readDefinition, readDocument, type Problem } from '#services/contracts/src/definition.ts';
import { head } from './refusals.ts';

const mebibyte = 1024 * 1024;

/** What is told first of a text that must be refused; whatever it holds, reading returns. */
function refusal(text: string): Problem {
  const read = readDefinition(text, 'hostile.yaml');
  assert.equal(read.ok, false, 'the text should be refused');
  assert.ok(read.problems.length <= 50, `${read.problems.length} problems are told`);
  const [problem] = read.problems;
  assert.ok(problem !== undefined);
  assert.ok(problem.line >= 1 && problem.column >= 1, JSON.stringify(problem));
  assert.ok(problem.message.length < 1000 && problem.hint.length < 2000, 'what is told is short');
  return problem;
}

function told(text: string): string {
  const { line, column, message } = refusal(text);
  return `${line}:${column} ${message}`;
}

/** A workflow that takes any JSON in one place. */
const holding = (body: string) =>
  `${head}steps:\n  - name: a\n    uses: task\n    with:\n      handler: h\n      input: ${body}\n`;

const bomb = ['&l0 [x, x, x, x, x, x, x, x, x, x]'];
for (let level = 1; level < 12; level += 1) bomb.push(`&l${level} [${`*l${level - 1}, `.repeat(10)}]`);

/** What is wrong, the text, and how what is told begins. */
const cases: readonly (readonly [what: string, text: () => string, message: string])[] = [
  ['more bytes than a definition may have', () => ' '.repeat(33 * mebibyte), '1:1 the text has 34603008 bytes'],
  ['more bytes than characters', () => 'ü'.repeat(17 * mebibyte), '1:1 the text has 35651584 bytes'],
  [
    'aliases of aliases of aliases',
    () => holding(`[${bomb.join(', ')}]`),
    '12:692 the document has more than 8000000 values',
  ],
  [
    'an alias within its own anchor',
    () => holding('&a [1, *a]'),
    '12:21 the alias *a has no anchor that ends before it',
  ],
  ['an alias of nothing', () => holding('*nothing'), '12:14 the alias *nothing has no anchor'],
  ['a merge key', () => holding('{ a: &a { b: 1 }, c: { <<: *a } }'), '12:37 the merge key "<<" is not known'],
  ['lists in lists without an end', () => '['.repeat(mebibyte), '1:'],
  ['objects in objects without an end', () => '{a: '.repeat(200_000), '1:'],
  ['dashes without an end', () => '- '.repeat(500_000), '1:'],
  ['question marks without an end', () => '? '.repeat(500_000), '1:'],
  ['JSON that is too deep', () => `${'['.repeat(100)}1${']'.repeat(100)}`, '1:65 deeper than 64 levels'],
  ['a value that is too deep', () => holding(`${'['.repeat(70)}${']'.repeat(70)}`), '12:'],
  ['a closing bracket for every character', () => ']'.repeat(mebibyte), '1:'],
  ['a broken escape for every two characters', () => `"${'\\q'.repeat(100_000)}"`, '1:'],
  ['strings without a comma', () => `a: [${'"b" '.repeat(100_000)}]`, '1:'],
  ['a text without an end', () => `a: "${'x'.repeat(mebibyte)}`, '1:'],
  ['a text that is too long', () => holding('x'.repeat(300_000)), '12:7 a text of 300000 characters stands here'],
  ['a key that is too long', () => holding(`{ ${'k'.repeat(2000)}: 1 }`), '12:16 a key of 2000 characters stands here'],
  [
    'too many keys beside each other',
    () => `{${Array.from({ length: 10_001 }, (_, index) => `"k${index}":1`).join()}}`,
    '1:1 10001 keys',
  ],
  ['too many items beside each other', () => `{"a":[${'1,'.repeat(100_000)}1]}`, '1:2 a list of 100001 items'],
  [
    'more values than a document can have',
    () => `[${'1,'.repeat(9_000_000)}1]`,
    '1:1 the text holds more than 8000000 values',
  ],
  ['long JSON that is broken', () => `[${'"abcdefghij",'.repeat(200_000)}`, '1:2600002 the JSON is broken'],
  ['a long text in one piece', () => `a: [${'bcdefghij, '.repeat(300_000)}]`, '1:1 a single value of'],
  ['a key that stands twice', () => 'kind: Workflow\nkind: Pipeline\n', '2:1 the key "kind" stands here a second time'],
  [
    'a key that stands twice in JSON',
    () => '{"kind": "Workflow",\n "kind": "Pipeline"}',
    '2:2 the key "kind" stands here a second time',
  ],
  [
    'a key that stands twice, once escaped',
    () => '{"kind": "Workflow", "\\u006bind": 1}',
    '1:22 the key "kind" stands here a second time',
  ],
  ['__proto__', () => holding('{ __proto__: { admin: true } }'), '12:16 no key may be called "__proto__"'],
  ['__proto__ in JSON', () => '{"__proto__": {"kind": "Workflow"}}', '1:2 no key may be called "__proto__"'],
  ['constructor', () => holding('{ constructor: { prototype: 1 } }'), '12:16 no key may be called "constructor"'],
  ['toString', () => holding('{ toString: x }'), '12:16 no key may be called "toString"'],
  [
    'a kind that every object has',
    () => 'kind: constructor\n',
    '1:1 the definition has the unknown kind "constructor"',
  ],
  [
    'a step that every object has',
    () => `${head}steps:\n  - { name: constructor, uses: task, with: { handler: h } }\n`,
    '8:7 no step may be called "constructor"',
  ],
  [
    'uses that every object has',
    () => `${head}steps:\n  - { name: a, uses: toString, with: {} }\n`,
    '8:16 steps.0.uses is "toString"',
  ],
  ['a NUL', () => holding('"a\\0b"'), '12:7 the text has the hidden character U+0000'],
  ['a bell', () => holding('"a\\ab"'), '12:7 the text has the hidden character U+0007'],
  ['text that turns round', () => holding('"a\u202Eb"'), '12:7 the text has the hidden character U+202E'],
  ['half a character', () => holding('"\\uD800"'), '12:7 the text has the hidden character U+D800'],
  ['a hidden character in a key', () => holding('{ "a\\u200Eb\\x00": 1 }'), '12:16 the key "a'],
  ['a tag of JavaScript', () => holding('!!js/function "() => 1"'), '12:14 Unresolved tag'],
  ['a binary', () => holding('!!binary aGVsbG8='), '12:14 Unresolved tag'],
  ['a set', () => holding('!!set { a, b }'), '12:14 Unresolved tag'],
  ['a time', () => holding('!!timestamp 2026-03-01'), '12:14 Unresolved tag'],
  ['another version of YAML', () => `%YAML 1.1\n---\n${head}`, '1:1 the directive "%YAML 1.1" has no meaning here'],
  ['two documents', () => `${head}---\n${head}`, '7:1 a second document begins here'],
  ['a mark of byte order in the middle', () => holding('"a\uFEFFb"'), '12:7 the text has the hidden character U+FEFF'],
  ['tabs for indentation', () => `${head}steps:\n\t- name: a\n`, '8:1 Tabs are not allowed as indentation'],
  ['a number without an end', () => holding('1e999'), '12:7 the number here is Infinity'],
  ['a number without an end in JSON', () => '{"a": 1e999}', '1:2 the number here is Infinity'],
  ['infinity', () => holding('[-.inf]'), '12:15 the number here is -Infinity'],
  ['no number', () => holding('.nan'), '12:7 the number here is NaN'],
  [
    'a number that is not exact',
    () => holding('12345678901234567890'),
    '12:7 the number 12345678901234567000 is too large',
  ],
  ['minus zero', () => holding('-0'), '12:7 the number here is -0'],
  ['a list for a key', () => holding('{ [a, b]: 1 }'), '12:16 this key is no text'],
  ['a number for a key', () => holding('{ 1: a }'), '12:16 the key 1 is no text'],
  [
    'a name of digits',
    () => `${head}steps:\n  - { name: 123, uses: task, with: { handler: h } }\n`,
    '8:7 steps.0.name is 123',
  ],
  [
    'a name that is read as true',
    () => `${head}steps:\n  - { name: true, uses: task, with: { handler: h } }\n`,
    '8:7 steps.0.name is true',
  ],
  [
    'a name in emoji',
    () => `${head}steps:\n  - { name: "🚀", uses: task, with: { handler: h } }\n`,
    '8:7 steps.0.name is "🚀"',
  ],
  [
    'a name from right to left',
    () => `${head}steps:\n  - { name: "אבג", uses: task, with: { handler: h } }\n`,
    '8:7 steps.0.name is "אבג"',
  ],
  [
    'a name with a look-alike',
    () => `${head}steps:\n  - { name: "аpple", uses: task, with: { handler: h } }\n`,
    '8:7 steps.0.name is',
  ],
  ['steps that are no list', () => `${head}steps: { a: 1 }\n`, '7:1 steps is'],
  ['steps that are no objects', () => `${head}steps: [1, null, [], x]\n`, '7:'],
  ['nothing', () => '', '1:1 the definition has no kind'],
  ['only a comment', () => '# nothing\n', '1:1 the definition has no kind'],
  ['a list', () => '- kind: Workflow\n', '1:'],
];

describe('a hostile text is refused, and its reader lives', () => {
  for (const [what, text, message] of cases) {
    it(what, () => {
      const found = told(text());
      assert.ok(found.startsWith(message), found);
    });
  }

  it('without a word more than fifty, however much is wrong', () => {
    const steps = Array.from({ length: 20_000 }, () => '  - { name: A, uses: tsk, neds: [1, 2, 3] }\n');
    const read = readDefinition(`${head}steps:\n${steps.join('')}`, 'hostile.yaml');
    assert.equal(read.ok, false);
    assert.equal(read.problems.length, 50);
  });

  it('without a look through all names for each of very many that are wrong', () => {
    const steps = Array.from({ length: 20_000 }, (_, index) => ({
      ...{ name: `s${index}`, needs: [`x${index}`, `y${index}`] },
      ...{ uses: 'task', with: { handler: 'h', input: '${{ steps.none.result }}' } },
    }));
    const text = JSON.stringify({
      kind: 'Workflow',
      schema: 1,
      name: 'a',
      owner: 'a',
      triggers: [{ manual: true }],
      steps,
    });
    assert.match(told(text), /^1:\d+ there is no step "x0"/);
  });

  it('in every document alike', () => {
    const read = readDocument('a: &a [*a]\n', 'service.yaml', { type: 'object' });
    assert.equal(read.ok, false);
    assert.match(read.problems[0]?.message ?? '', /the alias \*a has no anchor/);
  });
});

describe('a text that only looks hostile is read', () => {
  it('with the mark that Windows editors begin files with, and their line ends', () => {
    const read = readDefinition(`\uFEFF${holding('1')}`.replaceAll('\n', '\r\n'), 'demo.yaml');
    assert.ok(read.ok, JSON.stringify(read));
  });

  it('with aliases that repeat a value', () => {
    const text = `${head}steps:\n  - { name: a, uses: task, with: { handler: h }, retry: &often { attemptsMax: 5 } }\n  - { name: b, uses: task, with: { handler: h }, retry: *often }\n`;
    const read = readDefinition(text, 'demo.yaml');
    assert.ok(read.ok && read.value.kind === 'Workflow', JSON.stringify(read));
    assert.deepEqual(read.value.steps[1]?.retry, { attemptsMax: 5 });
  });

  it('with text in any script, lines and tabs', () => {
    assert.ok(readDefinition(holding('"שלום 🚀\\n\\tété"'), 'demo.yaml').ok);
  });
});

describe('a text that is read piece by piece', () => {
  const step = (number: number, needs: string) =>
    `  - name: s${number}\n    needs: [${needs}]\n    uses: task\n    with: { handler: h, input: "${'x'.repeat(100)}" }\n`;
  const steps = Array.from({ length: 4000 }, (_, number) => step(number, number === 3999 ? 's0, s400l' : ''));
  const long = `${head}steps:\n${steps.join('')}`;

  it('is told by the line and column of the whole', () => {
    assert.ok(long.length > 500_000);
    // 6 lines of head, 1 of steps, 3,999 steps of 4 lines, and the second line of the last.
    assert.equal(told(long), '16005:17 there is no step "s400l"');
    assert.match(told(long.replace('name: s3000\n', 'name: s3000\n    name: s1\n')), /^12009:5 the key "name" stands/);
    assert.match(told(`${long}steps: []\n`), /^16008:1 the key "steps" stands here a second time/);
    assert.match(told(`${long}owner: other\n`), /^16008:1 the key "owner" stands here a second time/);
    assert.match(told(`${long}...\nowner: other\n`), /^\d+:\d+ a second document|^1:1 a single value/);
    assert.match(told(`${long}text\n`), /^16008:/);
  });

  it('is the same as read whole: keys after the steps, anchors from one piece to another', () => {
    const good = steps.slice(0, -1).join('');
    const text = `${head}parameters: { day: &day { type: string, default: x } }\nsteps:\n${good}runsMax: 3\ndescription: *text\n`;
    const read = readDefinition(text.replace('owner: people', 'owner: &text people'), 'long.yaml');
    assert.ok(read.ok && read.value.kind === 'Workflow', JSON.stringify(read).slice(0, 500));
    assert.equal(read.value.steps.length, 3999);
    assert.deepEqual(read.value.steps.map(({ name }) => name).slice(2998, 3001), ['s2998', 's2999', 's3000']);
    assert.equal(`${read.value.runsMax} ${read.value.description}`, '3 people');
  });
});
