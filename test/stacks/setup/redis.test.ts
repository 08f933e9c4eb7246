import type { Host } from '#stacks/setup/host.ts';
import { ensureRedis, type RedisServer } from '#stacks/setup/redis.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { FakeMachine } from './fake-machine.ts';

/** The tools' program: a server when it is called by a server's name, as the real one. */
function server(version: string): string {
  return `case "$0" in *redis-server) echo "Redis server v=${version} sha=00000000:0" ;; *) exit 1 ;; esac`;
}

/** apt-get and dpkg of an ordinary user: `missing` are the packages that apt would install. */
function userPackages(machine: FakeMachine, { download = 'exit 0' } = {}): void {
  machine.program(
    'apt-get',
    `case "$*" in
      *--simulate*) echo "Inst liblzf1 (3.6)"; echo "Inst redis-tools (5:7.0.15)"; echo "Conf redis-tools" ;;
      download*) echo > liblzf1.deb; echo > redis-tools.deb; ${download} ;;
      *) echo "E: are you root?"; exit 100 ;;
    esac`,
  );
  machine.program(
    'dpkg',
    `/bin/mkdir -p usr/bin usr/lib/x86_64-linux-gnu
    /bin/cat > usr/bin/redis-check-rdb <<'EOF'
#!/bin/sh
${server('7.0.15')}
echo "$LD_LIBRARY_PATH"
EOF
    /bin/chmod +x usr/bin/redis-check-rdb`,
  );
}

describe('ensureRedis', () => {
  let machine: FakeMachine;
  beforeEach(() => {
    machine = new FakeMachine();
  });
  afterEach(() => machine.remove());

  function ensure(host: Host = machine.host()): Promise<RedisServer> {
    return ensureRedis({ root: machine.root, host, progress: machine.tell });
  }

  it('takes a recent redis-server of the machine and installs nothing', async () => {
    machine.program('apt-get', 'exit 0');
    const binary = machine.program('redis-server', server('7.0.15'));
    assert.deepEqual(await ensure(), { binary, version: '7.0.15' });
    assert.deepEqual(machine.calls(), ['redis-server --version']);
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('makes a server of the Redis tools that are installed already', async () => {
    machine.program('redis-check-rdb', server('7.2.4'));
    const { binary, version } = await ensure();
    assert.equal(version, '7.2.4');
    assert.equal(binary, path.join(machine.root, '.orrery', 'redis', 'bin', 'redis-server'));
  });

  it('refuses a server without functions, naming its version', async () => {
    machine.program('redis-server', server('6.0.16'));
    await assert.rejects(ensure(), { code: 'REDIS_TOO_OLD', message: /7\.0 or later is needed.* 6\.0\.16/ });
    machine.program('redis-check-rdb', server('6.0.16'));
    await assert.rejects(ensure(), { code: 'REDIS_TOO_OLD', hint: /first on the PATH/ });
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('says what to type where it may not install: on a Mac, on Alpine, on an unknown system', async () => {
    await assert.rejects(ensure(machine.host({ platform: 'darwin' })), {
      code: 'REDIS_MISSING',
      exitCode: 1,
      hint: 'type: brew install redis',
    });
    await assert.rejects(ensure(), { code: 'REDIS_MISSING', hint: /^install Redis 7 or later/ });
    machine.program('apk', 'exit 0');
    await assert.rejects(ensure(), { code: 'REDIS_MISSING', hint: 'type: sudo apk add redis' });
  });

  it('as root, installs the tools and never the package that starts a daemon', async () => {
    machine.program(
      'apt-get',
      `printf '#!/bin/sh\\n%s\\n' '${server('7.0.15').replaceAll("'", "'\\''")}' > "$BIN/redis-check-rdb"
      /bin/chmod +x "$BIN/redis-check-rdb"`,
    );
    assert.equal((await ensure(machine.host({ isRoot: true }))).version, '7.0.15');
    assert.deepEqual(
      machine.calls().filter((call) => call.startsWith('apt-get')),
      ['apt-get install -y -q -o DPkg::Lock::Timeout=120 --no-install-recommends redis-tools'],
    );
    assert.deepEqual(machine.progress[0], 'installing redis-server (package redis-tools)');
  });

  it('as root, fetches the package lists when the package is not in them, then tells what apt said', async () => {
    machine.program('apt-get', 'echo "E: Unable to locate package redis-tools" >&2; exit 100');
    await assert.rejects(ensure(machine.host({ isRoot: true })), {
      code: 'REDIS_INSTALL_FAILED',
      message: /apt-get ended by 100 \(Unable to locate package redis-tools\)/,
      hint: 'type: apt-get update && apt-get install -y redis-tools',
    });
    assert.deepEqual(
      machine.calls().map((call) => call.split(' ')[1]),
      ['install', 'update', 'install'],
    );
    assert.deepEqual(machine.list('.orrery'), []);
  });

  it('as an ordinary user, unpacks exactly the missing packages and starts the server with their libraries', async () => {
    userPackages(machine);
    const { binary } = await ensure();
    assert.ok(machine.calls().includes('apt-get download -q liblzf1 redis-tools'));
    const printed = execFileSync(binary, ['--version'], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
    const libraries = path.join(machine.root, '.orrery', 'redis', 'usr', 'lib', 'x86_64-linux-gnu');
    assert.equal(printed, `Redis server v=7.0.15 sha=00000000:0\n${libraries}\n`);
    assert.deepEqual(machine.list('.orrery', 'redis'), ['bin', 'usr']);
    assert.deepEqual(machine.list('.orrery'), ['redis']);
  });

  it('finds what it set up at the next call, without a package manager', async () => {
    userPackages(machine);
    const first = await ensure();
    const callsBefore = machine.calls().length;
    assert.deepEqual(await ensure(), first);
    assert.deepEqual(machine.calls().slice(callsBefore), []);
  });

  it('as an ordinary user whose download fails, gives the command with sudo and leaves nothing half-made', async () => {
    userPackages(machine, { download: 'echo "E: Failed to fetch liblzf1"; exit 100' });
    await assert.rejects(ensure(), {
      code: 'REDIS_INSTALL_FAILED',
      message: /Failed to fetch liblzf1/,
      hint: 'type: sudo apt-get update && sudo apt-get install -y redis-tools',
    });
    assert.deepEqual(machine.list('.orrery'), []);
  });
});
