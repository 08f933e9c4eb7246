import { ensurePython, type PythonEnvironment } from '#stacks/setup/python.ts';
import type { Host } from '#stacks/setup/host.ts';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FakeMachine } from './fake-machine.ts';

/** Answers the probe, makes an "environment" that holds a copy of itself, and lets pip do as the test says. */
function python(version: string, { venv = true, pip = 'exit 0' } = {}): string {
  return `case "$*" in
    *python-probe.py) echo '{"version": "${version}", "platform": "linux-x86_64", "venv": ${String(venv)}}' ;;
    "-m venv "*) /bin/mkdir -p "$3/bin" && /bin/cp "$0" "$3/bin/python" && echo x > "$3/bin/pip" ;;
    *" install "*) echo "Collecting numpy==2.4.6"; ${pip} ;;
    *" check") exit 0 ;;
  esac`;
}

describe('ensurePython', () => {
  let machine: FakeMachine;
  let lockFile: string;
  beforeEach(() => {
    machine = new FakeMachine();
    lockFile = path.join(machine.root, 'requirements.lock');
    writeFileSync(lockFile, 'numpy==2.4.6 \\\n    --hash=sha256:00\n');
  });
  afterEach(() => machine.remove());

  function ensure(host: Host = machine.host()): Promise<PythonEnvironment> {
    return ensurePython({ root: machine.root, lockFile, host, progress: machine.tell });
  }

  it('without any Python, names the versions that do and the exact command, with sudo for an ordinary user', async () => {
    machine.program('apt-get', 'exit 1');
    await assert.rejects(ensure(), {
      code: 'PYTHON_MISSING',
      exitCode: 1,
      message: /Python 3\.11 or later; there is no python3\.13, python3\.12, python3\.11, python3 that works here/,
      hint: 'type: sudo apt-get install -y python3 python3-venv',
    });
    await assert.rejects(ensure(machine.host({ isRoot: true })), {
      hint: 'type: apt-get install -y python3 python3-venv',
    });
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('with only an old Python, tells its version', async () => {
    machine.program('python3', python('3.9.2'));
    await assert.rejects(ensure(), {
      code: 'PYTHON_TOO_OLD',
      message: /python3 is Python 3\.9\.2; training needs 3\.11 or later/,
      hint: /ORRERY_PYTHON_BASE/,
    });
  });

  it('with a Python that lacks venv or ensurepip, says so and how to get them', async () => {
    machine.program('apt-get', 'exit 1');
    machine.program('python3', python('3.11.2', { venv: false }));
    await assert.rejects(ensure(), {
      code: 'PYTHON_WITHOUT_VENV',
      message: /python3 \(Python 3\.11\.2\) can't make environments: its venv or ensurepip module is missing/,
      hint: 'type: sudo apt-get install -y python3 python3-venv',
    });
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('takes a recent Python beside an old python3, and a broken one for none', async () => {
    machine.program('python3', python('3.9.2'));
    machine.program('python3.13', 'exit 1');
    machine.program('python3.12', python('3.12.4'));
    assert.equal((await ensure()).minor, '3.12');
  });

  it('takes the Python that ORRERY_PYTHON_BASE names, and no other when that one does not work', async () => {
    machine.program('python3.13', python('3.13.1'));
    const chosen = machine.program('chosen-python', python('3.11.9'));
    assert.equal((await ensure(machine.host({ env: { ORRERY_PYTHON_BASE: chosen } }))).minor, '3.11');
    await assert.rejects(ensure(machine.host({ env: { ORRERY_PYTHON_BASE: '/nowhere/python' } })), {
      code: 'PYTHON_MISSING',
      message: /there is no \/nowhere\/python that works here/,
    });
  });

  it('makes the environment once, from the locked wheels only, and reuses it ever after', async () => {
    machine.program('python3.11', python('3.11.7'));
    const first = await ensure();
    const second = await ensure();
    assert.deepEqual(first, second);
    // sha256 of the lock file written in beforeEach, by sha256sum.
    assert.equal(first.lockDigest, 'sha256:cce0467cccd76e99730221ef129f4a96421b48b089253ab2f519f587cb7fd19e');
    const calls = machine.calls().filter((call) => !call.includes('python-probe'));
    assert.equal(calls.filter((call) => call.includes('-m venv')).length, 1);
    const installs = calls.filter((call) => call.includes(' install '));
    assert.equal(installs.length, 1);
    assert.match(String(installs[0]), /--require-hashes --only-binary=:all: --no-deps .*-r .*requirements\.lock$/);
    assert.equal(calls.filter((call) => call.endsWith(' check')).length, 1);
    const [made, ...others] = machine.list('.orrery', 'python');
    assert.match(String(made), /^[0-9a-f]{12}$/);
    assert.deepEqual(others, []);
    assert.deepEqual(machine.list('.orrery', 'python', String(made), 'bin'), ['python']);
  });

  it('removes the compiled scripts of a package too, which lie in a folder', async () => {
    const pip = '/bin/mkdir "${0%/*}/__pycache__" && echo x > "${0%/*}/__pycache__/tool.pyc"';
    machine.program('python3.11', python('3.11.7', { pip }));
    await ensure();
    const [made] = machine.list('.orrery', 'python');
    assert.deepEqual(machine.list('.orrery', 'python', String(made), 'bin'), ['python']);
  });

  it('makes one environment when two processes ask at the same time', async () => {
    machine.program('python3.11', python('3.11.7', { pip: '/bin/sleep 0.3' }));
    const [first, second] = await Promise.all([ensure(), ensure()]);
    assert.equal(first.python, second.python);
    assert.equal(machine.calls().filter((call) => call.includes(' install ')).length, 1);
  });

  it('makes another environment for another lock', async () => {
    machine.program('python3.11', python('3.11.7'));
    const first = await ensure();
    writeFileSync(lockFile, 'numpy==2.4.7 \\\n    --hash=sha256:01\n');
    const second = await ensure();
    assert.notEqual(first.python, second.python);
    assert.equal(machine.list('.orrery', 'python').length, 2);
  });

  it('when pip fails, tells what pip said and leaves nothing half-made', async () => {
    const pip = 'echo "ERROR: No matching distribution found for numpy==2.4.6" >&2; exit 1';
    machine.program('python3.11', python('3.11.7', { pip }));
    await assert.rejects(ensure(), {
      code: 'PYTHON_PACKAGES_FAILED',
      message: /pip install ended by 1 \(No matching distribution found for numpy==2\.4\.6\)/,
      hint: /pip reaches its package index/,
    });
    assert.deepEqual(machine.list('.orrery', 'python'), []);
  });

  it('removes what an interrupted set-up left, and makes the environment whole', async () => {
    machine.program('python3.11', python('3.11.7'));
    const { python: made } = await ensure();
    const id = path.basename(path.dirname(path.dirname(made)));
    mkdirSync(path.join(machine.root, '.orrery', 'python', `${id}.4711`, 'bin'), { recursive: true });
    rmSync(made);
    assert.equal((await ensure()).python, made);
    assert.deepEqual(machine.list('.orrery', 'python'), [id]);
  });
});
