import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { eventually } from '#test/support/eventually.ts';
import { findPython, Place, token } from './place.ts';

const root = path.join(import.meta.dirname, '../../..');
const page = readFileSync(path.join(root, 'services/worker/README.md'), 'utf8');

/** The first example of the page in this language, for an orchestrator elsewhere. */
function example(language: string, url: string): string {
  const code = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? '';
  assert.match(code, /http:\/\/127\.0\.0\.1:\d+/);
  return code.replace(/http:\/\/127\.0\.0\.1:\d+/, url);
}

describe('the quick start of workers', function () {
  this.timeout(180_000);
  let place: Place;
  let child: ChildProcess | undefined;
  beforeEach(async () => {
    place = new Place();
    await place.start();
  });
  afterEach(async () => {
    child?.kill('SIGKILL');
    await place.stop();
  });

  async function follow(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
    const [step] = place.core.add({ run: 'r1', handler: 'greet', input: { name: 'Ada' }, pool: 'mail' });
    child = spawn(command, args, {
      cwd: root,
      env: { ...env, ORRERY_TOKEN: token },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let told = '';
    child.stderr?.on('data', (chunk: Buffer) => (told += chunk.toString()));
    await eventually(() => step?.state === 'succeeded').catch((error: unknown) => {
      throw new Error(told, { cause: error });
    });
    assert.equal(step?.accepted[0]?.payload, '{"text":"Hello Ada"}');
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0, told);
  }

  it('works in TypeScript as it stands', async () => {
    await follow(process.execPath, ['--input-type=module-typescript', '--eval', example('ts', place.url)], {});
  });

  it('works in Python as it stands', async () => {
    const env = { PYTHONPATH: path.join(root, 'services/worker/python'), PYTHONDONTWRITEBYTECODE: '1' };
    await follow(await findPython(), ['-c', example('python', place.url)], env);
  });
});
