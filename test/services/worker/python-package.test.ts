import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execute } from '#stacks/setup/execution.ts';
import { findPython } from './place.ts';

const root = path.join(import.meta.dirname, '../../..');
const library = path.join(root, 'services/worker/python');
const suite = path.join(import.meta.dirname, 'python');

describe('the Python package of workers', function () {
  this.timeout(180_000);

  it('passes its own suite', async () => {
    const env = { PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' };
    const args = ['-W', 'error', '-m', 'unittest', 'discover', '-s', suite];
    const { code, output } = await execute(await findPython(), args, { env, timeoutMs: 60_000 });
    assert.equal(code, 0, output);
    assert.match(output, /^Ran \d{2,} tests/m);
  });

  it('is typed, and asks for what its lock holds, by hashes and without an address', () => {
    const read = (file: string) => readFileSync(path.join(library, file), 'utf8');
    assert.equal(read('orrery_worker/py.typed'), '');
    assert.match(read('requirements.in'), /^websockets==17\.4$/m);
    assert.match(read('pyproject.toml'), /^dependencies = \["websockets==17\.4"\]$/m);
    const lock = read('requirements.lock');
    assert.deepEqual(lock.match(/^[a-z].*$/gm), ['websockets==17.4 \\']);
    assert.match(lock, /--hash=sha256:[0-9a-f]{64}/);
    assert.doesNotMatch(lock, /:\/\/|--(extra-)?index-url|--find-links/);
  });
});
