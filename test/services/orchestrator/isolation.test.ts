import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { systemClock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { silentLog } from '@orrery/kit/log';
import { runProgram, type ProgramRun } from '#services/orchestrator/src/executors/program.ts';
import {
  describeIsolation,
  isolationCandidates,
  type Isolation,
} from '#services/orchestrator/src/executors/sandbox.ts';
import { makeWorkspace } from '#services/orchestrator/src/executors/workspace.ts';
import { eventually } from '#test/support/eventually.ts';

const firstUid = 61_900;
const root = process.getuid?.() === 0;
const limits = { memoryMiB: 256, processesMax: 12, outputMiB: 8, cpuSeconds: 60 };
const secret = 'the-token-of-this-environment';

/** One isolation, by which programs are run in folders of their own. */
interface Mode {
  readonly isolation: Isolation;
  readonly name: string;
  readonly uid: number;
  readonly isolated: boolean;
  readonly run: (file: string, args: readonly string[], more?: Partial<ProgramRun>) => Promise<Seen>;
  readonly sh: (script: string, more?: Partial<ProgramRun>) => Promise<Seen>;
}

interface Seen {
  readonly out: Record<string, string>;
  readonly stages: object[];
}

describe('a program, in every isolation that this machine offers,', function () {
  this.timeout(30_000);
  this.slow(5000);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-isolation-'));
  const tokenFile = join(folder, 'token');
  let server: Server;
  let port = 0;
  let modes: Mode[] = [];

  before(async () => {
    chmodSync(folder, 0o755);
    writeFileSync(tokenFile, secret, { mode: 0o600 });
    server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
    const candidates = isolationCandidates({ root, linux: process.platform === 'linux' }).map(modeOf);
    // Which of them work depends on the kernel and the container; the weakest works anywhere.
    const works = await Promise.all(
      candidates.map((mode) =>
        mode.sh('exit 0').then(
          () => true,
          () => false,
        ),
      ),
    );
    modes = candidates.filter((_, index) => works[index]);
    assert.ok(modes.length > 0);
  });

  after(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function modeOf(isolation: Isolation, index: number): Mode {
    let attempts = 0;
    const uid = firstUid + index;
    const mode: Mode = {
      isolation,
      name: `mode${index}`,
      uid,
      isolated: isolation.namespaces !== 'none',
      run: async (file, args, more = {}) => {
        attempts += 1;
        const workspace = await makeWorkspace(folder, `${index}-${attempts}`);
        if (isolation.becomes === 'own-user') await workspace.giveTo(uid);
        const stages: object[] = [];
        const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: workspace.folder, FENCE: '7' };
        const fixed = { isolation, workspace, command: [file, ...args], environment, limits, uid };
        try {
          const signal = AbortSignal.timeout(20_000);
          const onStage = (stage: object) => stages.push(stage);
          const deps = { clock: systemClock, platform: process.platform, log: silentLog(), hidden: tokenFile };
          await runProgram({ ...fixed, signal, onStage, ...more }, deps);
          return { out: readFolder(join(workspace.folder, 'out')), stages };
        } finally {
          await workspace.remove();
        }
      },
      sh: (script, more) => mode.run('/bin/sh', ['-c', script], more),
    };
    return mode;
  }

  /** All modes at once: they have nothing in common. Which one failed stands in the error. */
  async function inEvery(check: (mode: Mode) => Promise<void>, chosen = modes): Promise<void> {
    await Promise.all(
      chosen.map((mode) =>
        check(mode).catch((cause: unknown) => {
          throw new Error(`with ${describeIsolation(mode.isolation)}: ${String(cause)}`, { cause });
        }),
      ),
    );
  }

  it('writes its files, tells its stages, and sees only the environment that it was given', () =>
    inEvery(async ({ sh }) => {
      const { out, stages } = await sh(`echo hello >out/file; echo '{"stage":"half"}'; env >out/env`);
      assert.equal(out['file'], 'hello\n');
      assert.deepEqual(stages, [{ stage: 'half' }]);
      const names = (out['env'] ?? '').split('\n').map((line) => line.split('=')[0] ?? '');
      const given = ['FENCE', 'HOME', 'PATH', 'PWD', 'OLDPWD', 'SHLVL', '_', ''];
      assert.deepEqual(
        names.filter((name) => !given.includes(name)),
        [],
      );
    }));

  it('finds nothing of its parent', () =>
    inEvery(async ({ sh, isolated, isolation }) => {
      const { out } = await sh(
        `tr '\\0' '\\n' </proc/$PPID/environ >out/parent 2>/dev/null; cat ${tokenFile} >out/token 2>/dev/null;
         for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/environ; done >out/all 2>/dev/null; exit 0`,
      );
      const mine = `PATH=${process.env['PATH'] ?? ''}`;
      assert.ok(!(out['parent'] ?? '').includes(mine), 'the environment of the parent');
      // Without namespaces and without a user of its own a program can do what its user can: the README says so.
      if (!isolated && isolation.becomes === 'same-user') return;
      assert.ok(!(out['all'] ?? '').includes(mine), 'the environment of any other process');
      assert.equal(out['token'], '');
    }));

  it('is stopped when it allocates past its limit', () =>
    inEvery(async ({ run }) => {
      const grow = 'const held = []; setInterval(() => held.push(Buffer.alloc(16 << 20, 1)), 15)';
      await assert.rejects(run(process.execPath, ['-e', grow]), isCode('MEMORY_EXCEEDED'));
    }));

  it('is refused a single leap far past its limit, where prlimit sets one', () =>
    inEvery(
      async ({ run }) => {
        const leap = 'Buffer.alloc(3 * 2 ** 30, 1); require("node:fs").writeFileSync("out/done", "")';
        await assert.rejects(run(process.execPath, ['-e', leap]), isCode('PROCESS_FAILED', 'MEMORY_EXCEEDED'));
      },
      modes.filter(({ isolation }) => isolation.tools),
    ));

  it('is stopped when it has more processes than it may', () =>
    inEvery(async ({ sh }) => {
      await assert.rejects(sh('for i in $(seq 40); do sleep 60 & done; wait'), isCode('PROCESSES_EXCEEDED'));
    }));

  it('is stopped with everything that it forked, however wildly', () =>
    inEvery(
      async ({ sh, name }) => {
        const marker = `bomb-${name}-${process.pid}`;
        // Whichever layer is first: the kernel refuses to fork, or the watchdog ends it.
        await assert.rejects(sh(`: ${marker}; f() { f & f & sleep 60; }; f`));
        assert.deepEqual(commandLines(marker), []);
      },
      // Root has no bound of the kernel's: the bomb would hit this machine before the watchdog looks.
      modes.filter(({ isolation }) => isolation.becomes === 'own-user' || (!root && isolation.tools)),
    ));

  it('leaves no grandchild behind, even one with a session of its own', () =>
    inEvery(async ({ sh, uid }) => {
      const marker = `${9_000_000 + uid}${process.pid}`;
      await sh(`setsid sleep ${marker} & sleep ${marker} & setsid sh -c "sleep ${marker} & sleep 1.5" & sleep 2`);
      assert.deepEqual(commandLines(marker), []);
    }));

  it('is stopped when it writes too much, into one file or into many', () =>
    inEvery(async ({ sh }) => {
      const one = sh('head -c 64000000 /dev/zero >out/big');
      await assert.rejects(one, isCode('OUTPUT_EXCEEDED', 'PROCESS_FAILED'));
      const many = sh('for i in $(seq 100); do head -c 1000000 /dev/zero >tmp/$i; done; sleep 5');
      await assert.rejects(many, isCode('OUTPUT_EXCEEDED'));
      const quick = sh('for i in $(seq 20); do head -c 1000000 /dev/zero >out/$i; done');
      await assert.rejects(quick, isCode('OUTPUT_EXCEEDED'), 'also when it ends before the next look');
    }));

  it('ends with its tree when its time is over', () =>
    inEvery(async ({ sh, uid }) => {
      const marker = `${8_000_000 + uid}${process.pid}`;
      const startedAt = performance.now();
      await assert.rejects(sh(`sleep ${marker} & sleep ${marker}`, { signal: AbortSignal.timeout(500) }));
      assert.ok(performance.now() - startedAt < 10_000);
      assert.deepEqual(commandLines(marker), []);
    }));

  it('dies with the orchestrator, however that ends', () =>
    inEvery(async ({ isolation, uid }) => {
      const marker = `${7_000_000 + uid}${process.pid}`;
      const place = join(folder, `orphan-${uid}`);
      mkdirSync(place);
      const host = join(import.meta.dirname, 'run-program.ts');
      const command = ['/bin/sh', '-c', `sleep ${marker} & sleep ${marker}`];
      const child = spawn(process.execPath, [host, JSON.stringify({ isolation, place, uid, command })]);
      await eventually(() => commandLines(`sleep ${marker}`).length >= 2, { what: 'the program running' });
      child.kill('SIGKILL');
      await once(child, 'exit');
      await eventually(() => commandLines(marker).length === 0, { what: 'the orphans gone', timeoutMs: 5000 });
    }));

  it('tells its exit code and its last words', () =>
    inEvery(async ({ sh }) => {
      await assert.rejects(sh('echo "out of luck" >&2; exit 3'), (error: unknown) => {
        assert.ok(error instanceof OrreryError);
        assert.equal(`${error.code} ${error.retry}`, 'PROCESS_FAILED retryable');
        assert.match(error.message, /exit code 3: .*out of luck/s);
        return true;
      });
      await assert.rejects(sh('exit 2'), (error: unknown) => {
        assert.ok(error instanceof OrreryError);
        assert.equal(`${error.code} ${error.retry}`, 'PROCESS_INPUTS_WRONG terminal');
        return true;
      });
    }));

  it('reaches no network and writes nowhere else, where it has namespaces of its own', () =>
    inEvery(
      async ({ run, sh }) => {
        const connect = `require('node:net').connect(${port}, '127.0.0.1').on('connect', () => process.exit(0))
          .on('error', (e) => { require('node:fs').writeFileSync('out/error', e.code); process.exit(0); })`;
        const { out } = await run(process.execPath, ['-e', connect]);
        assert.match(out['error'] ?? '', /ENETUNREACH|ECONNREFUSED/);
        const written = await sh(`echo x >${folder}/outside || echo refused >out/outside; ls /dev >out/dev`);
        assert.equal(written.out['outside'], 'refused\n');
        assert.deepEqual((written.out['dev'] ?? '').trim().split('\n').sort(), devices);
      },
      modes.filter(({ isolated }) => isolated),
    ));
});

const devices = ['fd', 'full', 'null', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'urandom', 'zero'];

function isCode(...codes: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof OrreryError, String(error));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    return true;
  };
}

/** The command lines of this machine that hold the marker, apart from launchers that carry it as an argument. */
function commandLines(marker: string): string[] {
  const listed = execFileSync('ps', ['-axo', 'args='], { encoding: 'utf8' }).split('\n');
  return listed.filter((line) => line.includes(marker) && !line.includes('run-program') && !line.startsWith('ps '));
}

function readFolder(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}
