import assert from 'node:assert/strict';
import { silentLog } from '@orrery/kit/log';
import { Child, type Running } from '#stacks/local/child.ts';
import { eventually } from '#test/support/eventually.ts';

/** A process that the test decides over. */
interface Puppet extends Running {
  serve(): void;
  die(how: string): void;
  readonly told: object[];
  stopped: boolean;
}

function puppet(pid: number): Puppet {
  const serving = Promise.withResolvers<undefined>();
  const ending = Promise.withResolvers<string>();
  const told: object[] = [];
  return {
    pid,
    told,
    stopped: false,
    ready: serving.promise.then(() => undefined),
    ended: ending.promise,
    serve: () => serving.resolve(undefined),
    die(how) {
      serving.reject(new Error(how));
      ending.resolve(how);
    },
    async stop() {
      this.stopped = true;
      ending.resolve('SIGTERM');
    },
    tell: (message) => told.push(message),
  };
}

function childOf(puppets: Puppet[]): { child: Child; launched: Puppet[] } {
  const launched: Puppet[] = [];
  const launch = (): Running => {
    const next = puppets.shift();
    if (next === undefined) throw new Error('launched more often than the test allows');
    launched.push(next);
    return next;
  };
  return { child: new Child({ name: 'scoring', log: silentLog(), launch, onChange: () => undefined }), launched };
}

describe('a supervised process', () => {
  it('is ready when it serves, and its start fails when it ends before', async () => {
    const [good, bad] = [puppet(1), puppet(2)];
    const first = childOf([good]);
    const started = first.child.start();
    assert.equal(first.child.state, 'starting');
    good.serve();
    await started;
    assert.deepEqual([first.child.state, first.child.pid], ['ready', 1]);

    const second = childOf([bad]);
    const failing = second.child.start();
    bad.die('exit code 2');
    await assert.rejects(failing, /exit code 2/);
  });

  it('is started again after it died, and after that again', async () => {
    const puppets = [puppet(1), puppet(2), puppet(3)];
    const { child, launched } = childOf([...puppets]);
    puppets.forEach((one) => one.serve());
    await child.start();
    puppets[0]?.die('SIGKILL');
    await eventually(() => launched.length === 2 && child.state === 'ready');
    puppets[1]?.die('SIGKILL');
    await eventually(() => launched.length === 3 && child.state === 'ready');
    assert.deepEqual([child.restarts, child.pid], [2, 3]);
    await child.stop();
  });

  it('is replaced only once the other serves, and stopped after that', async () => {
    const [old, next] = [puppet(1), puppet(2)];
    const { child } = childOf([old]);
    old.serve();
    await child.start();
    const replaced = child.replace(() => next, true);
    assert.equal(old.stopped, false);
    next.serve();
    await replaced;
    assert.deepEqual([child.pid, old.stopped, child.state], [2, true, 'ready']);
  });

  it('goes on as it was when its replacement does not come up', async () => {
    const [old, next] = [puppet(1), puppet(2)];
    const { child } = childOf([old]);
    old.serve();
    await child.start();
    const replaced = child.replace(() => next, true);
    next.die('PARITY_BROKEN');
    await assert.rejects(replaced, /PARITY_BROKEN/);
    assert.deepEqual([child.pid, child.state, old.stopped, child.restarts], [1, 'ready', false, 0]);
  });

  it('is started again when it died while its replacement was failing', async () => {
    const [old, again, next] = [puppet(1), puppet(2), puppet(3)];
    const { child } = childOf([old, again]);
    old.serve();
    again.serve();
    await child.start();
    const replaced = child.replace(() => next, true);
    old.die('SIGKILL');
    next.die('exit code 1');
    await assert.rejects(replaced, /exit code 1/);
    await eventually(() => child.pid === 2 && child.state === 'ready');
    assert.equal(child.restarts, 1);
    await child.stop();
  });

  it('is replaced for good while it waits to be started again', async () => {
    const [old, next, later] = [puppet(1), puppet(2), puppet(3)];
    const { child, launched } = childOf([old, later]);
    old.serve();
    next.serve();
    await child.start();
    old.die('SIGKILL');
    await eventually(() => child.state === 'waiting');
    await child.replace(() => next, true);
    // Longer than the pause before a restart: the abandoned one must not come.
    await assert.rejects(eventually(() => launched.length > 1, { timeoutMs: 600 }));
    assert.deepEqual([child.pid, child.state], [2, 'ready']);
    await child.stop();
  });

  it('comes back from its old launch when it could not overlap and its replacement failed', async () => {
    const [old, again, next] = [puppet(1), puppet(2), puppet(3)];
    const { child } = childOf([old, again]);
    old.serve();
    again.serve();
    await child.start();
    const replaced = child.replace(() => next, false);
    next.die('exit code 1');
    await assert.rejects(replaced, /exit code 1/);
    assert.deepEqual([child.pid, child.state], [2, 'ready']);
  });

  it('stays ended once it is stopped', async () => {
    const only = puppet(1);
    const { child, launched } = childOf([only]);
    only.serve();
    await child.start();
    await child.stop();
    assert.deepEqual([child.state, child.pid, launched.length], ['stopped', undefined, 1]);
    assert.deepEqual(only.told, [{ type: 'ending' }]);
  });
});
