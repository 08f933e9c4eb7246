import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..', '..');
const runTimeoutMs = 240_000;
const linesMinPercent = 95;
const branchesMinPercent = 90;

interface Share {
  readonly pct: number;
}

/** The tests of components and plans; those beside them measure, and would measure themselves. */
function testsOfInfra(): string[] {
  return globSync('test/infra/**/*.test.ts', { cwd: root })
    .filter((file) => !/^test\/infra\/(measures|mutation)\//.test(file.replaceAll('\\', '/')))
    .sort();
}

describe('the tests of infra', function () {
  this.timeout(runTimeoutMs);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-coverage-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it(`run at least ${linesMinPercent} % of its lines and ${branchesMinPercent} % of its branches`, async () => {
    const modules = join(root, 'node_modules');
    const c8 = [join(modules, 'c8/bin/c8.js'), '--temp-directory', join(folder, 'raw'), '--reports-dir', folder];
    const counted = ['--reporter', 'json-summary', '--all', '--include', 'infra/**/*.ts'];
    const tool = ['--exclude', 'infra/publish-docs.ts'];
    const mocha = [process.execPath, join(modules, 'mocha/bin/mocha.js'), ...testsOfInfra()];
    await run(process.execPath, [...c8, ...counted, ...tool, ...mocha], {
      cwd: root,
      timeout: runTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    const { total } = JSON.parse(readFileSync(join(folder, 'coverage-summary.json'), 'utf8')) as {
      total: { readonly lines: Share; readonly branches: Share };
    };
    const { lines, branches } = total;
    assert.ok(lines.pct >= linesMinPercent, `${lines.pct} % of the lines of infra are run by its tests`);
    assert.ok(branches.pct >= branchesMinPercent, `${branches.pct} % of the branches of infra are run by its tests`);
  });
});
