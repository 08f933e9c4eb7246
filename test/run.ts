// What `npm test` runs, on the pinned Node: checks, then the tools that tests need, then the suites; arguments choose a
// part (`check`, a suite's name) and narrow the files (`unit bus`). The last line is `N passed, N failed, N skipped`.
import { untilUnread } from '#stacks/cli/broken-pipe.ts';
import { ensureToolchain } from '#stacks/setup/toolchain.ts';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommandError, messageOf } from '#stacks/errors.ts';
import { runChecks } from './run/checks.ts';
import { runMocha } from './run/mocha.ts';
import { filesOf, SUITES, type Suite } from './run/suites.ts';

const LINGER_MAX_MS = 15_000;
const root = path.join(import.meta.dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'orrery-test-'));
const tally = { passed: 0, failed: [] as string[], skipped: 0 };
let running: ChildProcess | undefined;
let stoppedBy: NodeJS.Signals | undefined;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The environment of the suites: the tools that were set up come first, and everything temporary goes in one place. */
async function prepare(): Promise<NodeJS.ProcessEnv> {
  const { redis, python } = await ensureToolchain({ root, progress: (line) => print(`  ${line}`) });
  const { PATH = '', ...env } = process.env;
  const search = [path.dirname(redis.binary), PATH].join(path.delimiter);
  return { ...env, PATH: search, ORRERY_PYTHON: python.python, TMPDIR: scratch };
}

async function runSuite(suite: Suite, files: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const missing = suite.missing();
  const outcome = await runMocha({
    root,
    // Without its engine a suite is only counted: what a machine can't check must show in the total.
    args: missing === undefined ? [...suite.args, ...files] : ['--dry-run', ...files],
    env,
    outcomeFile: path.join(scratch, `${suite.name}.json`),
    show: missing === undefined ? 'all' : 'errors',
    lingerMaxMs: LINGER_MAX_MS,
    onStart: (child) => (running = child),
  });
  tally.failed.push(...outcome.failed.map((title) => `${suite.name}: ${title}`));
  const pending = Object.values(outcome.skipped).reduce((sum, count) => sum + count, 0);
  if (missing === undefined) {
    tally.passed += outcome.passed;
    tally.skipped += pending;
    for (const [title, count] of Object.entries(outcome.skipped)) print(`skipped ${count}: ${title}`);
  } else {
    tally.skipped += outcome.passed + pending;
    print(`skipped ${outcome.passed + pending}: ${suite.name} (${missing})`);
  }
}

async function runSuites(suites: readonly Suite[], filters: readonly string[]): Promise<void> {
  print('setup');
  const env = await prepare();
  for (const suite of suites) {
    const files = filesOf(suite.name, root, filters);
    if (files.length === 0 || stoppedBy !== undefined) continue;
    print(`\n${suite.name}: ${files.length} files`);
    await runSuite(suite, files, env);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const isPart = (arg: string): boolean => arg === 'check' || SUITES.some(({ name }) => name === arg);
  const parts = args.filter(isPart);
  const filters = args.filter((arg) => !isPart(arg));
  const isWanted = (part: string): boolean => (parts.length === 0 ? true : parts.includes(part));
  if (isWanted('check') && filters.length === 0) {
    print('check');
    tally.failed.push(...(await runChecks(root, print)));
  }
  const suites = SUITES.filter(({ name }) => isWanted(name));
  if (suites.every(({ name }) => filesOf(name, root, filters).length === 0) && filters.length > 0) {
    tally.failed.push(`no test file has ${filters.join(' or ')} in its path`);
  } else if (suites.length > 0) await runSuites(suites, filters);
}

function stop(signal: NodeJS.Signals): void {
  stoppedBy ??= signal;
  running?.kill('SIGTERM');
}

process.on('SIGINT', stop).on('SIGTERM', stop);
// Nobody reads any more, as behind `| head -1`.
void untilUnread([process.stdout, process.stderr]).then(() => stop('SIGPIPE'));
try {
  await main(process.argv.slice(2));
} catch (error) {
  tally.failed.push(error instanceof CommandError ? `${error.message}\n  ${error.hint}` : messageOf(error));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (stoppedBy !== undefined) tally.failed.push(`stopped by ${stoppedBy}`);
print('');
for (const title of tally.failed) print(`failed: ${title}`);
print(`${tally.passed} passed, ${tally.failed.length} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed.length === 0 ? 0 : 1;
