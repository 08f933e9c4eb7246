import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { untilUnread } from '#stacks/cli/broken-pipe.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const broken = () => Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });

describe('a reader that goes away', () => {
  /** The command with nobody at the other end of one of its pipes; what it says on the other one, and how it ends. */
  const unheard = async (gone: 'stdout' | 'stderr', words: readonly string[]) => {
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', join(root, 'stacks/cli/main.ts')];
    const [program = '', ...args] = [...command, ...words];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child[gone].destroy();
    const told = text(gone === 'stdout' ? child.stderr : child.stdout);
    await once(child, 'exit');
    return { told: await told, code: child.exitCode };
  };

  for (const [words, code] of [
    [['--help'], 0],
    [['versions', 'list'], 0],
    [['show', '--help'], 0],
    [['workflow', 'check', join(root, 'stacks/cli/main.ts')], 1],
    [['no-such-verb', '--json'], 2],
  ] as const) {
    it(`changes nothing of how \`orrery ${words.slice(0, 2).join(' ')}\` ends, and is told nothing`, async () => {
      assert.deepEqual(await unheard('stdout', words), { told: '', code });
    });
  }

  it('of the errors alone changes nothing either', async () => {
    assert.deepEqual(await unheard('stderr', ['no-such-verb']), { told: '', code: 2 });
  });

  it('ends what would go on until Ctrl-C', async () => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const unread = untilUnread([out, err]);
    err.emit('error', broken());
    out.emit('error', broken());
    await unread;
  });

  it('is told apart from a disk that is full', () => {
    const out = new PassThrough();
    void untilUnread([out]);
    const full = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' });
    assert.throws(() => out.emit('error', full), { code: 'ENOSPC' });
  });
});
