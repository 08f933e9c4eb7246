import assert from 'node:assert/strict';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';
import { importsIn, violationOf } from './directions.ts';
import { filesUnder, read, ROOT } from './tree.ts';

/** One import that must be refused for each direction, and words of the lesson that lint gives. */
const PLANTED = [
  ['services/contracts/src/planted.ts', '@orrery/kit/errors', 'contracts imports nothing of ours'],
  ['services/kit/src/planted.ts', '@orrery/contracts/digest', 'kit imports nothing of ours'],
  ['services/worker/src/planted.ts', '@orrery/kit/errors', 'worker imports nothing of ours'],
  ['services/scoring/src/planted.ts', '@orrery/worker/worker', 'reach another service by HTTP or by the bus'],
  ['services/scoring/src/planted.ts', '../../registry/src/service.ts', 'At most one ../ inside a package'],
  ['services/scoring/src/planted.ts', '../../kit/src/errors.ts', 'At most one ../ inside a package'],
  ['services/scoring/src/planted.ts', '../../registry/src/service.ts', 'reach another service by HTTP or by the bus'],
  ['infra/network/planted.ts', '#stacks/errors.ts', 'infra imports nothing of ours'],
  ['infra/network/planted.ts', '@orrery/kit/errors', 'infra imports nothing of ours'],
  ['policies/planted.ts', '#infra/errors.ts', 'policies imports nothing of ours'],
  ['stacks/planted.ts', '#services/scoring/src/main.ts', 'it deploys services from a release'],
  ['stacks/planted.ts', '#test/support/eventually.ts', 'stacks imports infra, policies, contracts and kit'],
  ['stacks/planted.ts', '@orrery/kit/errors', 'The Pulumi program stays free of running code'],
  ['services/scoring/src/planted.ts', '@orrery/kit/src/errors.ts', "Import a package's exports subpath"],
] as const;

const ALLOWED = [
  ['services/scoring/src/planted.ts', '@orrery/kit/errors'],
  ['services/scoring/src/planted.ts', '@orrery/contracts/digest'],
  ['services/kit/src/planted.ts', './errors.ts'],
  ['stacks/planted.ts', '@orrery/contracts/digest'],
  ['stacks/planted.ts', './errors.ts'],
  ['stacks/release/planted.ts', '@orrery/kit/store'],
] as const;

describe('import directions', () => {
  it('hold in every source file', () => {
    const sources = ['infra', 'policies', 'services', 'stacks', 'test', 'bench']
      .filter((folder) => filesUnder('.').some((file) => file.startsWith(`${folder}/`)))
      .flatMap((folder) => filesUnder(folder))
      .filter((file) => /\.(ts|mjs|js)$/.test(file));
    assert.ok(sources.length > 100, `${sources.length} sources read`);
    const violations = sources.flatMap((file) =>
      importsIn(read(file)).flatMap((specifier) => violationOf(file, specifier) ?? []),
    );
    assert.deepEqual(violations, []);
  });

  it('are read from every form of import, and from no string or comment', () => {
    const text = [
      "import type { A } from './a.ts';",
      "export { b } from './b.ts';",
      "const c = await import('./c.ts');",
      "type D = import('./d.ts').D;",
      "const e = require('./e.cjs');",
      "const f = `import x from './f.ts'`; // import './g.ts'",
    ].join('\n');
    assert.deepEqual(importsIn(text), ['./a.ts', './b.ts', './c.ts', './d.ts', './e.cjs']);
  });

  it('are found broken by each planted import', () => {
    for (const [file, specifier] of PLANTED) assert.notEqual(violationOf(file, specifier), undefined, specifier);
  });

  it('are kept by each import that is allowed', () => {
    for (const [file, specifier] of ALLOWED) assert.equal(violationOf(file, specifier), undefined, specifier);
  });
});

describe('import rules of lint', () => {
  // Without types: a planted file is in no project, and these rules need none.
  const eslint = new ESLint({
    cwd: ROOT,
    ignore: false,
    overrideConfig: [
      { ...tseslint.configs.disableTypeChecked, rules: { ...tseslint.configs.disableTypeChecked.rules } },
    ],
  });

  async function messages(file: string, specifier: string): Promise<string[]> {
    const [result] = await eslint.lintText(`import '${specifier}';\n`, { filePath: file });
    return (result?.messages ?? []).map(({ message }) => message);
  }

  it('refuse each planted import with the lesson', async () => {
    for (const [file, specifier, lesson] of PLANTED) {
      const said = await messages(file, specifier);
      assert.ok(
        said.some((message) => message.includes(lesson)),
        `${specifier} in ${file}: ${said.join(' | ') || 'nothing said'}`,
      );
    }
  });

  it('find a cycle between two files', async () => {
    const [result] = await eslint.lintFiles(['test/architecture/fixtures/cycle/sun.ts']);
    assert.deepEqual(
      result?.messages.map(({ ruleId }) => ruleId),
      ['import-x/no-cycle'],
    );
  });

  it('allow what the directions allow', async () => {
    for (const [file, specifier] of ALLOWED) assert.deepEqual(await messages(file, specifier), [], specifier);
  });
});
