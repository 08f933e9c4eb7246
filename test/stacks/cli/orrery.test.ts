import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';

const REPOSITORY = path.join(import.meta.dirname, '..', '..', '..');
const COMMAND = `
const [verb, ...rest] = process.argv.slice(2);
if (verb === 'echo') console.log(JSON.stringify({ rest, cwd: process.cwd(), node: process.execPath, flags: process.execArgv }));
if (verb === 'exit') process.exitCode = Number(rest[0]);
if (verb === 'die') process.kill(process.pid, 'SIGTERM');
if (verb === 'count') for await (const chunk of process.stdin) console.log(String(chunk).length);
if (verb === 'wait') {
  let heard = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {
    heard += 1;
    setTimeout(() => { console.log(name, heard); process.exit(heard); }, 200);
  });
  setInterval(() => {}, 1000);
  console.log('ready');
}
`;

/** A call that hangs must fail its test, not the run. */
const CALL_MAX_MS = 15_000;
/** A Node older than 22.15 can't replace its own process; taking the function away makes this one behave so. */
const OLD_NODE = { NODE_OPTIONS: '--import data:text/javascript,delete%20process.execve' };

describe('the orrery command', () => {
  let root: string;
  let entry: string;
  let pinned: string;
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'orrery command-'));
    entry = path.join(root, 'stacks', 'cli', 'orrery.mjs');
    cpSync(path.join(REPOSITORY, 'stacks', 'cli', 'orrery.mjs'), entry);
    cpSync(path.join(REPOSITORY, 'stacks', 'setup'), path.join(root, 'stacks', 'setup'), { recursive: true });
    writeFileSync(path.join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(path.join(root, 'package-lock.json'), '{"packages":{}}');
    writeFileSync(path.join(root, 'stacks', 'cli', 'main.ts'), COMMAND);
    mkdirSync(path.join(root, 'test'));
    writeFileSync(path.join(root, 'test', 'run.ts'), "console.log('tests', process.argv.slice(2).join(' '));");
    const folder = path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin');
    mkdirSync(folder, { recursive: true });
    pinned = path.join(folder, 'node');
    symlinkSync(process.execPath, pinned);
    const digest = createHash('sha256').update('{"packages":{}}').digest('hex');
    writeFileSync(path.join(root, 'node_modules', '.orrery-lock'), digest);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  for (const [host, env] of [
    ['a Node that can replace its process', {}],
    ['an older Node', OLD_NODE],
  ] as const) {
    describe(`on ${host}`, () => {
      const call = (args: readonly string[], input = ''): ReturnType<typeof spawnSync> =>
        spawnSync(process.execPath, [entry, ...args], {
          env: { ...process.env, ...env },
          cwd: tmpdir(),
          input,
          timeout: CALL_MAX_MS,
        });

      it('runs the command on the pinned Node, in the caller’s folder, with its arguments as they are', () => {
        const { stdout, stderr, status } = call(['echo', 'a b', '--json', '']);
        assert.deepEqual({ stderr: String(stderr), status }, { stderr: '', status: 0 });
        const seen = JSON.parse(String(stdout)) as { rest: string[]; cwd: string; node: string; flags: string[] };
        assert.deepEqual(seen.rest, ['a b', '--json', '']);
        assert.equal(seen.cwd, realpathSync(tmpdir()));
        assert.ok(seen.flags.includes('--disable-warning=TimeoutNegativeWarning'));
      });

      it('ends as the command ends: by its code or by its signal', () => {
        assert.equal(call(['exit', '3']).status, 3);
        assert.equal(call(['exit', '0']).status, 0);
        assert.equal(call(['die']).signal, 'SIGTERM');
      });

      it('hands the standard input through', () => {
        assert.equal(String(call(['count'], 'x'.repeat(5_000)).stdout), '5000\n');
      });

      it('sends `test` to the test runner', () => {
        assert.equal(String(call(['test', 'unit', 'bus']).stdout), 'tests unit bus\n');
      });

      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        it(`lets the command hear ${signal} once, and waits for it to finish`, async () => {
          const child = spawn(process.execPath, [entry, 'wait'], {
            env: { ...process.env, ...env },
            stdio: ['ignore', 'pipe', 'inherit'],
            detached: true,
          });
          const text = await signalled(child, signal);
          assert.equal(text, `ready\n${signal} 1\n`);
          assert.equal(child.exitCode, 1);
        });
      }
    });
  }

  it('with packages that can’t be installed, gives one line with the command to type', () => {
    const bare = path.join(root, 'bare');
    cpSync(path.join(root, 'stacks'), path.join(bare, 'stacks'), { recursive: true });
    writeFileSync(path.join(bare, 'package-lock.json'), '{"packages":{}}');
    const { status, stderr } = spawnSync(process.execPath, [path.join(bare, 'stacks', 'cli', 'orrery.mjs'), 'status'], {
      env: { PATH: path.join(root, 'nowhere') },
      encoding: 'utf8',
      timeout: CALL_MAX_MS,
    });
    assert.equal(status, 1);
    const [before, reason, command, ...rest] = stderr.split('\n');
    assert.match(String(before), /^orrery: installing the locked npm packages/);
    assert.match(String(reason), /^orrery: the locked npm packages could not be installed: npm did not start/);
    assert.equal(command, `  type: cd ${bare}/ && npm ci --no-audit --no-fund`);
    assert.deepEqual(rest, ['']);
  });
});

async function signalled(child: ChildProcessByStdio<null, Readable, null>, signal: NodeJS.Signals): Promise<string> {
  let text = '';
  const ended = once(child, 'exit');
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text === 'ready\n') child.kill(signal);
  }
  await ended;
  return text;
}
