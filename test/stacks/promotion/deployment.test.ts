import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { CommandError } from '#stacks/errors.ts';
import { runDeployment, StepFailed, type DeploymentOptions, type Step } from '#stacks/promotion/deployment.ts';
import { appendEntry, readLedger } from '#stacks/promotion/ledger.ts';
import { acquireLock, type Lease } from '#stacks/promotion/lock.ts';

const digest = digestOfBytes('anything');
const pin: Pin = { schema: 2, release: digest, binding: digest, render: digest };

describe('a deployment', () => {
  let root: string;
  let lease: Lease;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'orrery-deployment-'));
    lease = await acquireLock({ root, state: root }, 'local', { holder: 'a test' });
  });
  afterEach(async () => {
    await lease.release();
    rmSync(root, { recursive: true });
  });

  const step = (name: string, run: Step['run'] = () => Promise.resolve(undefined)): Step => ({ name, run });
  const options = (steps: readonly Step[], more: Partial<DeploymentOptions> = {}): DeploymentOptions => ({
    places: { root, state: root },
    environment: 'local',
    lease,
    actor: 'somebody',
    reason: 'a test',
    now: () => new Date(0),
    progress: () => undefined,
    pin,
    steps,
    ...more,
  });
  /** One word an entry, as a person would tell the ledger. */
  const told = () =>
    readLedger({ root, state: root }, 'local').map(({ event }) => {
      if (event.kind === 'deployment-step') return `${event.step} ${event.outcome}`;
      return event.kind === 'deployment-ended' ? `${event.outcome}, stands on ${event.standsOn}` : event.kind;
    });

  it('is told step by step, as each begins and ends', async () => {
    const result = await runDeployment(options([step('verify'), step('up', () => Promise.resolve({ state: digest }))]));
    assert.deepEqual(result, { id: 1, state: digest });
    assert.deepEqual(told(), [
      'deployment-started',
      'verify started',
      'verify done',
      'up started',
      'up done',
      'succeeded, stands on target',
    ]);
  });

  it('is told as failed with what the failing step did, and runs no further step', async () => {
    const failure = new CommandError({ code: 'ENGINE_FAILED', message: 'no bucket', hint: 'look' });
    const resources = { created: 1, updated: 0, replaced: 0, deleted: 0, unchanged: 0, done: ['a'], failed: ['b'] };
    const steps = [step('up', () => Promise.reject(new StepFailed(failure, { resources }))), step('state')];
    await assert.rejects(runDeployment(options(steps)), failure);
    assert.deepEqual(told(), ['deployment-started', 'up started', 'up failed', 'failed, stands on partial']);
    const event = readLedger({ root, state: root }, 'local')[2]?.event;
    assert.ok(event?.kind === 'deployment-step');
    assert.deepEqual([event.detail, event.resources], ['ENGINE_FAILED: no bucket', resources]);
  });

  it('stands on what was there when a step failed that changes nothing, or when what ran was put back', async () => {
    const steps = [step('verify', () => Promise.reject(new Error('no')))];
    await assert.rejects(runDeployment(options(steps)));
    assert.equal(told().at(-1), 'failed, stands on previous');
    const replace = [step('replace scoring', () => Promise.reject(new Error('no')))];
    await assert.rejects(runDeployment(options(replace, { recover: () => Promise.resolve('previous') })));
    assert.equal(told().at(-1), 'failed, stands on previous');
    await assert.rejects(runDeployment(options(replace, { recover: () => Promise.reject(new Error('worse')) })));
    assert.equal(told().at(-1), 'failed, stands on unknown');
  });

  it('is told as interrupted when a person ends it', async () => {
    const controller = new AbortController();
    const steps = [
      step('up', async () => {
        controller.abort();
        return Promise.resolve(undefined);
      }),
      step('state'),
    ];
    await assert.rejects(runDeployment(options(steps, { signal: controller.signal })), { code: 'INTERRUPTED' });
    assert.deepEqual(told().slice(2), ['up done', 'interrupted, stands on partial']);
  });

  it('first ends one whose deployer was killed', async () => {
    const draft = { at: 'then', actor: 'late', reason: 'was killed', fence: lease.fence };
    const places = { root, state: root };
    appendEntry(places, 'local', { ...draft, event: { kind: 'deployment-started', pin, steps: ['verify', 'up'] } });
    const event = { kind: 'deployment-step', deployment: 1 } as const;
    appendEntry(places, 'local', { ...draft, event: { ...event, step: 'verify', outcome: 'started' } });
    const lines: string[] = [];
    await runDeployment(options([step('up')], { progress: (line) => lines.push(line) }));
    assert.deepEqual(told().slice(2), [
      'interrupted, stands on previous',
      'deployment-started',
      'up started',
      'up done',
      'succeeded, stands on target',
    ]);
    assert.match(lines[0] ?? '', /deployment 1 had been interrupted in step verify/);
  });

  it('writes nothing more once somebody else holds the environment', async () => {
    const steps = [
      step('up', async () => {
        appendEntry({ root, state: root }, 'local', {
          at: 'then',
          actor: 'successor',
          reason: 'took over',
          fence: lease.fence + 1,
          event: { kind: 'pin', pin, from: null },
        });
        return Promise.resolve(undefined);
      }),
    ];
    await assert.rejects(runDeployment(options(steps)), { code: 'FENCED_OFF', exitCode: 3 });
    assert.deepEqual(told(), ['deployment-started', 'up started', 'pin']);
  });
});
