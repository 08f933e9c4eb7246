import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesUnder } from './files-under.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const canary = 'canary-7f3a/9+c1';

/** The usual ways in which a text can hide. */
const encodings = [
  canary,
  Buffer.from(canary).toString('base64').replace(/=+$/, ''),
  Buffer.from(canary).toString('hex'),
  encodeURIComponent(canary),
];

function runOrrery(words: readonly string[], env: Record<string, string>, before: readonly string[] = []) {
  const command = [
    ...before,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    'stacks/cli/main.ts',
    ...words,
  ];
  return spawnSync(command[0] ?? '', command.slice(1), {
    cwd: root,
    encoding: 'utf8',
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
}

describe('a render from the command line', function () {
  this.timeout(120_000);
  let folder: string;
  let env: Record<string, string>;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-secrecy-'));
    env = { PATH: process.env['PATH'] ?? '', HOME: join(folder, 'home'), ORRERY_STATE: join(folder, 'state') };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('lets no secret of the caller into graph, output, log or state, in any usual encoding', () => {
    mkdirSync(join(folder, 'home', '.aws'), { recursive: true });
    mkdirSync(join(folder, 'home', '.kube'), { recursive: true });
    writeFileSync(join(folder, 'home', '.aws', 'credentials'), `[default]\naws_secret_access_key = ${canary}\n`);
    writeFileSync(join(folder, 'home', '.kube', 'config'), canary);
    const secrets = [
      'AWS_SECRET_ACCESS_KEY',
      'AWS_PROFILE',
      'AWS_REGION',
      'KUBECONFIG',
      'PULUMI_CONFIG_PASSPHRASE',
      'PULUMI_CONFIG',
    ];
    for (const name of secrets) env[name] = canary;
    const out = join(folder, 'graph.jsonl');
    const { status, stdout, stderr } = runOrrery(['render', 'prod', '--working-tree', '--graph', '--out', out], env);
    assert.equal(status, 0, stderr);
    const said = [stdout, stderr, readFileSync(out, 'utf8'), ...filesUnder(join(folder, 'state'))];
    assert.ok(said.length > 5);
    for (const text of said) for (const encoded of encodings) assert.ok(!text.includes(encoded), encoded);
  });

  it('needs no network', function () {
    const namespace = ['unshare', '-rn'];
    if (spawnSync('unshare', ['-rn', 'true']).status !== 0) {
      this.skip();
    }
    const { status, stdout, stderr } = runOrrery(
      ['render', 'dev', '--working-tree', '--check', '2', '--json'],
      env,
      namespace,
    );
    assert.equal(status, 0, stderr);
    const answer = JSON.parse(stdout) as { renders: number; equal: number; differences: unknown[] };
    assert.deepEqual([answer.renders, answer.equal, answer.differences], [2, 2, []]);
  });

  it('names the nearest environment for one that there is not', () => {
    const { status, stderr } = runOrrery(['render', 'prd'], env);
    assert.equal(status, 2);
    assert.match(stderr, /there is no environment "prd"\n.*did you mean "prod"\?/);
  });
});
