import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf } from '@orrery/contracts/digest';
import type { Change } from '#stacks/change/change.ts';
import { compare } from '#stacks/change/compare.ts';
import { formatMarkdown } from '#stacks/change/markdown.ts';
import type { Side } from '#stacks/change/side.ts';
import { formatTerminal } from '#stacks/change/terminal.ts';
import { verdictRules } from '#stacks/change/verdict-rules.ts';
import { withInput, withOption } from './corpus/case.ts';
import { baseWorld, contextOf, sideOf, type World } from './corpus/world.ts';

const world = baseWorld();
const base = sideOf(world, 'prod');

function changeTo(head: Partial<World>, options: Partial<ReturnType<typeof contextOf>> = {}): Change {
  const after = { ...baseWorld(), ...head };
  return compare(base, sideOf(after, 'working tree'), { ...contextOf(world, after), ...options });
}

describe('comparing two sides', () => {
  it('finds nothing where nothing differs: every level is empty, and each output says it in a line', () => {
    const change = changeTo({});
    assert.equal(change.verdict.level, 'no change');
    assert.deepEqual(Object.values(change.levels).flat(), []);
    assert.match(formatTerminal(change, { color: true, plain: false }), /^prod: no change \(release [0-9a-f]{12}\)$/);
    const lines = formatMarkdown([change], { reproduce: 'npx orrery preview' }).trimEnd().split('\n');
    assert.deepEqual([lines[0], lines.length], ['<!-- orrery:preview -->', 2]);
    assert.match(lines[1] ?? '', /^`prod`: no change/);
  });

  it('finds nothing in another order of keys', () => {
    const { verdict } = compare({ ...base, release: reversed(base.release) }, base, contextOf(world, world));
    assert.equal(verdict.level, 'no change');
  });

  it('is a function of its arguments: the same answer, and nothing of them changed', () => {
    const after = { ...baseWorld(), graph: withInput(baseWorld().graph, 'network-vpc', 'cidrBlock', '10.40.0.0/16') };
    const head = sideOf(after, 'working tree');
    const before = JSON.stringify([base, head]);
    const [one, other] = [1, 2].map(() => compare(base, head, contextOf(world, after)));
    assert.deepEqual(one, other);
    assert.equal(JSON.stringify([base, head]), before);
  });

  it('overlooks no field of a release', () => {
    const places = leavesOf(base.release);
    assert.ok(places.length > 80, `${places.length} fields`);
    for (const place of places) {
      const path = place.join(' > ');
      const changed = changeLeaf(structuredClone(base.release), place);
      const head: Side = { ...base, release: changed, digest: digestOf('release', changed) };
      const { verdict, counts } = compare(base, head, contextOf(world, world));
      assert.notEqual(verdict.level, 'no change', path);
      assert.ok(counts.changes > 0, `${path} is told by no level: ${verdict.reasons[0]?.text ?? ''}`);
    }
  });

  it('never says that nothing changed when only a digest tells', () => {
    const head: Side = { ...base, render: digestOf('render', 'another') };
    const { verdict } = compare(base, head, contextOf(world, world));
    assert.deepEqual([verdict.level, verdict.reasons[0]?.rule], ['needs review', 'unexplained']);
  });

  it('takes a render that one side does not know for no difference', () => {
    const { render, ...head } = base;
    assert.ok(render !== undefined);
    assert.equal(compare(base, head, contextOf(world, world)).verdict.level, 'no change');
  });

  it('has every rule of its verdict in the page that explains it', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/reading-a-preview.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `([a-z-]+)` +\| (?:blocked|needs review) +\|/gm)].map(([, name]) => name);
    assert.deepEqual(new Set(listed), new Set([...verdictRules.map(({ name }) => name), 'unexplained']));
  });

  it('says of which levels its verdict knows', () => {
    const change = changeTo({}, { levels: ['service', 'schema'] });
    assert.match(formatTerminal(change, { color: false, plain: false }), /no change at level service, schema alone/);
  });

  it('needs review where a level could not be compared, with the reason', () => {
    const change = changeTo({}, { leftOut: [{ level: 'resource', reason: 'no settings' }] });
    assert.deepEqual(change.verdict, {
      level: 'needs review',
      reasons: [{ rule: 'not-compared', level: 'needs review', subject: 'resource', text: 'no settings' }],
    });
  });

  it('calls two environments different: nothing is going to be replaced', () => {
    const dev = { ...baseWorld(), graph: withInput(baseWorld().graph, 'network-vpc', 'cidrBlock', '10.20.0.0/16') };
    const change = compare(sideOf(dev, 'dev'), base, {
      ...contextOf(dev, world),
      environments: true,
      environment: null,
    });
    assert.deepEqual([change.verdict, change.stateful], [{ level: 'different', reasons: [] }, []]);
    assert.deepEqual(
      change.levels.resource.map(({ operation, follows }) => [operation, follows]),
      [['update', undefined]],
    );
  });

  it('folds violations of one rule at one property in each output, and keeps each of them in JSON', () => {
    const names = ['store-bucket', 'key', 'token-password'];
    const graph = names.reduce((open, name) => withOption(open, name, 'protect', undefined), baseWorld().graph);
    const change = changeTo({ graph });
    assert.equal(change.levels.policy.length, 3);
    assert.equal(change.verdict.reasons.filter(({ rule }) => rule === 'policy-broken').length, 3);
    const told = / broken at `?protect`? by 3: `?key`?, `?store-bucket`?, `?token-password`?/g;
    const outputs = [
      formatTerminal(change, { color: false, plain: false }),
      formatTerminal(change, { color: false, plain: true }),
      formatMarkdown([change], { reproduce: 'npx orrery preview' }),
    ];
    // Once among the reasons, once at the level of policies.
    for (const output of outputs) assert.equal(output.match(told)?.length, 2, output);
  });

  it('tells no value of a secret, in no output', () => {
    const canary = 'canary-6f1e';
    const graph = withInput(baseWorld().graph, 'redis-state-group', 'authToken', { $secret: canary });
    const added = withInput(graph, 'scoring-deployment', 'spec.env', [{ name: 'TOKEN', value: { $secret: canary } }]);
    const change = changeTo({ graph: added });
    const outputs = [
      JSON.stringify(change),
      formatTerminal(change, { color: false, plain: true }),
      formatMarkdown([change], { reproduce: 'npx orrery preview' }),
    ];
    assert.equal(change.levels.resource.length, 2);
    for (const output of outputs) assert.doesNotMatch(output, /canary/);
    assert.match(outputs[0] ?? '', /\$\{token-password\.result\}/);
  });

  it('has no colour and no sign in its plain form, and no colour without being asked', () => {
    const change = changeTo({ graph: withInput(baseWorld().graph, 'network-vpc', 'cidrBlock', '10.40.0.0/16') });
    const escape = String.fromCharCode(27);
    assert.ok(formatTerminal(change, { color: true, plain: false }).includes(escape));
    assert.ok(!formatTerminal(change, { color: false, plain: false }).includes(escape));
    const plain = formatTerminal(change, { color: true, plain: true });
    assert.ok(!plain.includes(escape));
    assert.doesNotMatch(plain, /^\s*[+~!.>-] /m);
    assert.doesNotMatch(plain, /[^\x20-\x7e\n]/);
  });

  it('takes seconds at most for graphs of four thousand resources', () => {
    const like = world.graph.find(({ name }) => name === 'scoring-deployment') ?? assert.fail();
    const many = Array.from({ length: 4000 }, (_, index) => ({
      ...like,
      name: `d-${index}`,
      urn: `${like.urn}-${index}`,
    }));
    const changed = many.map((one, index) => withInput([one], one.name, 'spec.replicas', index)).flat();
    const startedAt = performance.now();
    const { counts } = compare({ ...base, graph: many }, { ...base, graph: changed }, contextOf(world, world));
    assert.equal(counts.updates, 3999);
    assert.ok(performance.now() - startedAt < 3000, `${performance.now() - startedAt} ms`);
  });
});

/** Every place of a document that holds a plain value. */
function leavesOf(value: unknown, place: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [place];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...place, key]));
}

function changeLeaf<Value>(value: Value, [key = '', ...rest]: readonly string[]): Value {
  const fields = value as Record<string, unknown>;
  const inner = fields[key];
  if (rest.length > 0) changeLeaf(inner, rest);
  else if (typeof inner === 'string')
    fields[key] = inner.startsWith('sha256:') ? `sha256:${'e'.repeat(64)}` : `${inner}-x`;
  else if (typeof inner === 'number') fields[key] = inner + 1;
  else fields[key] = inner !== true;
  return value;
}

/** The same document with its keys the other way round, as another writer may write it. */
function reversed<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value as Record<string, unknown>).toReversed();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reversed(inner)])) as Value;
}
