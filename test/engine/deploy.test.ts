import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { currentHost, findProgram } from '#stacks/setup/host.ts';
import { findSecret } from '#test/support/canary.ts';
import { cloneRepository, type Answer, type Clone } from '#test/support/clone.ts';
import { commandTimeoutMs } from './engine.ts';
import { enginePath } from './plugins.ts';

const run = promisify(execFile);
const signatureKey = '4dabf18193072939515e22adb298388d';
const canary = 'canary/of+secrets?0123456789';

interface State {
  readonly deployment: { readonly resources: { urn: string; type: string; inputs?: object; id?: string }[] };
}

/** What `deploy` answers, and `rollback` within its own answer. */
interface Deployed {
  readonly deployment: number;
  readonly state: string;
}

/** Ciphertext has a fresh nonce at every export, and what was replaced a fresh name. */
function normalise(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/-[0-9a-f]{8}$/, '-[autoname]');
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  if (signatureKey in value) return '[secret]';
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normalise(item)]));
}

describe('deploying by pin with a real engine', function () {
  this.timeout(4 * commandTimeoutMs);
  if (findProgram(currentHost(), 'pulumi') === undefined) {
    it('skipped: no pulumi engine on the PATH');
    return;
  }

  let clone: Clone;
  let env: Record<string, string>;
  const texts: Record<string, string> = {};
  const inputs: Record<string, unknown>[] = [];

  before(async () => {
    clone = cloneRepository();
    mkdirSync(join(clone.state, 'engine', 'cloud'), { recursive: true });
    mkdirSync(join(clone.state, 'state'), { recursive: true });
    writeFileSync(join(clone.state, 'state', 'token'), `${canary}\n`, { mode: 0o600 });
    env = {
      PATH: enginePath(),
      PULUMI_BACKEND_URL: `file://${join(clone.state, 'engine')}`,
      PULUMI_CONFIG_PASSPHRASE: canary,
      AWS_SECRET_ACCESS_KEY: canary,
      STANDIN_CLOUD: join(clone.state, 'engine', 'cloud'),
      STANDIN_KUBECONFIG: '',
      ORRERY_STATE: clone.state,
    };
    await pulumi('stack', 'init', 'dev');
    await pulumi('config', 'set', '--secret', 'other:password', canary, '--stack', 'dev');
    clone.git('commit', '--quiet', '--all', '--message', 'a stack');
  });
  after(() => clone.remove());

  const pulumi = (...words: string[]) =>
    run('pulumi', [...words, '--non-interactive'], { cwd: clone.root, env: { ...process.env, ...env } });
  async function orrery(...words: string[]): Promise<Answer> {
    const answer = await clone.orrery(words, { env });
    texts[`${words.join(' ')} ${Object.keys(texts).length}`] = `${answer.stdout}${answer.stderr}`;
    return answer;
  }
  async function release(): Promise<void> {
    const created = await orrery('release', 'create', '--json');
    assert.equal(created.code, 0, created.stderr);
    const pinned = await orrery('pin', 'dev', (created.json() as { release: string }).release);
    assert.equal(pinned.code, 0, pinned.stderr);
    clone.git('add', '--all', 'stacks');
    clone.git('commit', '--quiet', '--message', 'pin');
  }
  /** The inputs of every resource, as the kept export has them. */
  function keptInputs({ deployment, state }: Deployed): Record<string, unknown> {
    const name = `${deployment}-${state.slice(7, 19)}.json`;
    const kept = readFileSync(join(clone.state, 'exports', 'dev', name), 'utf8');
    const { resources } = (JSON.parse(kept) as State).deployment;
    return Object.fromEntries(resources.map(({ urn, inputs: given }) => [urn, normalise(given ?? {})]));
  }
  async function deploy(...words: string[]): Promise<Answer> {
    const answer = await orrery(...words, '--json');
    if (answer.code !== 0) return answer;
    const told = answer.json() as Deployed | { deployment: Deployed };
    inputs.push(keptInputs('state' in told ? told : told.deployment));
    return answer;
  }

  it('makes release N', async function () {
    await release();
    const answer = await deploy('deploy', 'dev');
    if (/no valid credential|no EC2 IMDS role/.test(answer.stdout)) {
      process.stdout.write('      the provider of AWS on the PATH has no account: the rest is left out\n');
      this.skip();
    }
    assert.equal(answer.code, 0, answer.stdout + answer.stderr);
    assert.ok(Object.keys(inputs[0] ?? {}).length > 100);
  });

  it('makes release N+1, with other code, other infrastructure and other settings', async function () {
    if (inputs.length === 0) this.skip();
    clone.commit('infra/planning/tags.ts', (text) => text.replace("'managed-by': 'pulumi'", "'managed-by': 'orrery'"));
    clone.commit('services/scoring/src/config.ts', (text) => text.replace(/default: 2/, 'default: 4'));
    clone.commit('Pulumi.dev.yaml', (text) => text.replace('logRetentionDays: 365', 'logRetentionDays: 400'));
    await release();
    const answer = await deploy('deploy', 'dev');
    assert.equal(answer.code, 0, answer.stdout + answer.stderr);
    assert.notDeepEqual(inputs[1], inputs[0]);
  });

  it('returns to N: the inputs of every resource are those of then', async function () {
    if (inputs.length < 2) this.skip();
    const answer = await deploy('rollback', 'dev', '--to', '1');
    assert.equal(answer.code, 0, answer.stdout + answer.stderr);
    assert.deepEqual(inputs[2], inputs[0]);
    assert.match(answer.stderr, /Pulumi\.dev\.yaml: cluster\.logRetentionDays was 400, is 365 again/);
    const moves = movesOf(readLedger({ root: clone.root, state: clone.state }, 'dev'));
    assert.deepEqual(moves.at(-1)?.entry.event.pin, moves[0]?.entry.event.pin);
    clone.git('commit', '--quiet', '--all', '--message', 'back');
  });

  it('stops, as plain pulumi up does, when Pulumi.dev.yaml was edited after pinning, with the difference', async function () {
    if (inputs.length === 0) this.skip();
    const before = clone.read('Pulumi.dev.yaml');
    clone.write('Pulumi.dev.yaml', before.replace('nodesMax: 6', 'nodesMax: 7'));
    const refused = await orrery('deploy', 'dev');
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /spot\.nodesMax: pinned 6, configured 7/);
    const plain = await pulumi('up', '--yes', '--stack', 'dev').catch((error: unknown) => error as { stdout: string });
    assert.match(plain.stdout, /SETTINGS_NOT_PINNED[^]*spot\.nodesMax: pinned 6, configured 7/);
    clone.write('Pulumi.dev.yaml', before);
  });

  it('leaves no secret in a record, an export, a log or an answer, in no usual encoding', function () {
    if (inputs.length === 0) this.skip();
    const folders = ['exports', 'logs', 'store', 'records', 'locks', 'run'].map((name) => join(clone.state, name));
    assert.deepEqual(findSecret(canary, [join(clone.root, 'stacks'), ...folders], texts), []);
    assert.equal(findSecret(canary, [join(clone.state, 'state')], {}).length, 1, 'the search finds what is there');
  });
});
