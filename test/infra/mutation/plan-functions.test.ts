import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { digestOfBytes } from '@orrery/contracts/digest';
import { mutantsOf } from './mutants.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const hooks = join(import.meta.dirname, 'load-mutant.mjs');
const mutantsPerFunction = 2;
const runsAtATime = 2;
const runTimeoutMs = 180_000;

/** Mistakes that change nothing that anybody can see, with the reason. */
const equivalent: Readonly<Record<string, string>> = {};

const sources = globSync('infra/*/*.ts', { cwd: root })
  .sort()
  .map((file) => [file, readFileSync(join(root, file), 'utf8')] as const);

const testTexts = globSync('test/infra/**/*.test.ts', { cwd: root })
  .sort()
  .map((file) => [file, readFileSync(join(root, file), 'utf8')] as const);

/** The tests that know a file: those of its name, else those that import it, else those of what imports it. */
function testsOf(file: string): string[] {
  const own = `test/${file.replace(/\.ts$/, '.test.ts')}`;
  if (existsSync(join(root, own))) return [own];
  const knowing = testTexts.filter(([, text]) => text.includes(`from '#${file}'`)).map(([test]) => test);
  if (knowing.length > 0) return knowing;
  const importers = sources.filter(([importer, text]) => {
    const place = dirname(importer) === dirname(file) ? './' : '../planning/';
    return text.includes(`from '${place}${basename(file)}'`);
  });
  return [...new Set(importers.flatMap(([importer]) => testsOf(importer)))];
}

const mutated = sources
  .filter(([file]) => file.startsWith('infra/planning/'))
  .map(([file, text]) => ({ file, tests: testsOf(file), mutants: mutantsOf(text, mutantsPerFunction) }))
  .filter(({ mutants }) => mutants.length > 0);

describe('a mistake in a plan function', function () {
  this.timeout(5 * runTimeoutMs);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-mutants-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs tests in a process of their own, the file's text replaced by the mutant's where one is given. */
  async function pass(tests: readonly string[], file = '', text = ''): Promise<boolean> {
    const copy = join(folder, `${digestOfBytes(file + text).slice('sha256:'.length)}.ts`);
    writeFileSync(copy, text);
    const url = file === '' ? '' : pathToFileURL(join(root, file)).href;
    const env = { ...process.env, ORRERY_MUTATED: url, ORRERY_MUTANT: copy };
    const words = ['--import', hooks, join(root, 'node_modules/mocha/bin/mocha.js'), '--bail', ...tests];
    try {
      await run(process.execPath, words, { cwd: root, env, timeout: runTimeoutMs, maxBuffer: 16 * 1024 * 1024 });
      return true;
    } catch {
      return false;
    }
  }

  it('is looked for by tests that pass where there is none', async () => {
    const tests = new Set(mutated.flatMap((one) => one.tests));
    assert.ok(await pass([...tests]));
    assert.deepEqual(
      mutated.filter((one) => one.tests.length === 0).map(({ file }) => file),
      [],
    );
  });

  for (const { file, tests, mutants } of mutated) {
    it(`is caught in ${file}`, async () => {
      const left = mutants.filter(({ subject, change }) => equivalent[`${file} ${subject} ${change}`] === undefined);
      const survivors: string[] = [];
      const take = async (): Promise<void> => {
        for (let one = left.shift(); one !== undefined; one = left.shift()) {
          if (await pass(tests, file, one.text)) survivors.push(`${one.subject} ${one.change}`);
        }
      };
      await Promise.all(Array.from({ length: runsAtATime }, take));
      assert.deepEqual(survivors, []);
    });
  }
});
