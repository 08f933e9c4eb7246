import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { SubmitClient } from '#services/orchestrator/src/core/submit-client.ts';
import type { Submission, Submitted } from '#services/orchestrator/src/core/submission.ts';

const asked = (run: string, parameters = '{}', tenant = 'main') => ({ run, parameters, tenant }) as Submission;

/** A core that answers when it is told to. */
class SlowCore {
  readonly calls: string[][] = [];
  readonly #waiting: (() => void)[] = [];
  failure: Error | undefined;

  async submit(_shard: string, submissions: readonly Submission[]): Promise<Submitted[]> {
    this.calls.push(submissions.map(({ run }) => run));
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    return submissions.map(({ run }) => ({ outcome: 'accepted', run, state: 'queued' }));
  }

  async answer(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('taking runs in', () => {
  it('sends at once what comes alone, and together what comes while a call is under way', async () => {
    const core = new SlowCore();
    const client = new SubmitClient('s00', core);
    const first = client.submit(asked('a'));
    await new Promise((resolve) => setImmediate(resolve));
    const others = ['b', 'c', 'd'].map((run) => client.submit(asked(run)));
    await core.answer();
    await core.answer();
    assert.deepEqual(core.calls, [['a'], ['b', 'c', 'd']]);
    assert.deepEqual(
      (await Promise.all([first, ...others])).map(({ run }) => run),
      ['a', 'b', 'c', 'd'],
    );
  });

  it('lets tenants take turns: a thousand runs of one keep no other waiting', async () => {
    const core = new SlowCore();
    const client = new SubmitClient('s00', core);
    const many = Array.from({ length: 1000 }, (_, index) => client.submit(asked(`many${index}`)));
    await new Promise((resolve) => setImmediate(resolve));
    const few = ['few0', 'few1'].map((run) => client.submit(asked(run, '{}', 'small')));
    for (let call = 0; call < 64; call += 1) await core.answer();
    await Promise.all([...many, ...few]);
    assert.deepEqual(core.calls[1]?.slice(0, 5), ['many16', 'few0', 'many17', 'few1', 'many18']);
    const order = core.calls.flat().filter((run) => run.startsWith('many'));
    assert.deepEqual(
      order,
      Array.from({ length: 1000 }, (_, index) => `many${index}`),
    );
  });

  it('asks for at most 16 in a call, and for fewer that are large', async () => {
    const core = new SlowCore();
    const client = new SubmitClient('s00', core);
    const small = Array.from({ length: 33 }, (_, index) => client.submit(asked(`s${index}`)));
    const large = ['x', 'y'].map((run) => client.submit(asked(run, 'p'.repeat(100_000))));
    for (let call = 0; call < 5; call += 1) await core.answer();
    await Promise.all([...small, ...large]);
    assert.deepEqual(
      core.calls.map((runs) => runs.length),
      [16, 16, 2, 1],
    );
  });

  it('tells everybody in a call that it failed, and goes on with the next', async () => {
    const core = new SlowCore();
    const client = new SubmitClient('s00', core);
    core.failure = new Error('Redis is away');
    const lost = Promise.allSettled(['a', 'b'].map((run) => client.submit(asked(run))));
    await core.answer();
    assert.deepEqual(
      (await lost).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    core.failure = undefined;
    const next = client.submit(asked('c'));
    await core.answer();
    assert.equal((await next).run, 'c');
  });
});
