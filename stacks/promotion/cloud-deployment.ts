import { isDeepStrictEqual } from 'node:util';
import { digestOf, shortDigest, type Digest } from '@orrery/contracts/digest';
import type { TouchedResources } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import { CommandError, messageOf } from '../errors.ts';
import type { Places } from '../release/places.ts';
import { renderEnvironment } from '../render/environment.ts';
import { assertRenderPinned } from '../render/pinned.ts';
import {
  runDeployment,
  settleDeployments,
  StepFailed,
  type Deploying,
  type StandsOn,
  type Step,
} from './deployment.ts';
import type { Engine, EngineRun, RunOptions } from './engine.ts';
import { lastDeployment, movesOf, readLedger, type DeploymentRecord } from './ledger.ts';
import { underLock, type LockOptions } from './lock.ts';
import { keepExport } from './state-export.ts';
import { assertPinMoved } from './pin.ts';
import { assertPoliciesHold } from './policies.ts';
import { verifyPinned } from './verify.ts';

export interface CloudDeploymentOptions {
  readonly places: Places;
  readonly environment: string;
  readonly engine: Engine;
  readonly actor: string;
  readonly reason: string;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
  /** Aborted when a person ends the command. */
  readonly signal: AbortSignal;
  readonly allowsUncommitted?: boolean;
  /**
   * Whether what breaks a rule of the environment is refused. Default true. A return to an earlier release is not judged again: a
   * rule that came later must not stand between a person and the way back.
   */
  readonly judges?: boolean;
  readonly lock?: Omit<LockOptions, 'holder'>;
}

export interface CloudDeployment {
  readonly environment: string;
  readonly pin: Pin;
  /** The number of the release in this environment. */
  readonly number: number;
  /** The number of the ledger's entry that began the deployment. */
  readonly deployment: number;
  readonly resources: TouchedResources;
  /** Digest of the encrypted export of the engine's state. */
  readonly state: Digest;
}

/**
 * Makes a cloud be what its pin says: verifies what is pinned, renders it again, takes the environment's lock, and runs the engine, each
 * step told in the ledger. Throws before anything has changed when what is pinned is not what was recorded; `DEPLOYMENT_PARTIAL`
 * when the engine could not make all of it.
 */
export async function deployCloud(options: CloudDeploymentOptions): Promise<CloudDeployment> {
  const { places, environment, progress, allowsUncommitted = false, judges = true } = options;
  progress(`verifying what ${environment} is pinned to`);
  const { pin, recorded, binding } = await verifyPinned(places, environment, { allowsUncommitted, progress });
  progress(`rendering release ${shortDigest(pin.release)} again`);
  const rendered = await renderEnvironment(places, { environment, release: recorded, binding, progress });
  await assertRenderPinned(places, pin, rendered);
  if (judges) assertPoliciesHold(environment, rendered.graph);
  if (options.signal.aborted) throw interruptedEarly(environment);
  const holder = `${options.actor}: deploy ${environment}`;
  return underLock(places, environment, { ...options.lock, holder, progress }, async (lease) => {
    const before = lastDeployment(readLedger(places, environment));
    const left = await settleDeployments({ ...options, lease });
    tellPredecessor(before, left.length > 0, progress);
    const recovers = left.length > 0 || before?.ended?.event.outcome === 'interrupted';
    return runSteps({ ...options, lease, pin, recovers });
  });
}

interface Run extends CloudDeploymentOptions, Pick<Deploying, 'lease'> {
  readonly pin: Pin;
  /** The last deployment was killed: a lock of the engine's own is left from it. */
  readonly recovers: boolean;
}

async function runSteps(run: Run): Promise<CloudDeployment> {
  const { places, environment, engine, pin, lease, progress } = run;
  let touched: TouchedResources | undefined;
  let killed = false;
  const steps: Step[] = [
    {
      name: 'verify',
      run: async () => {
        assertStill(pin, assertPinMoved(places, environment));
        return { detail: `pin ${digestOf('pin', pin)}` };
      },
    },
    {
      name: 'preview',
      run: async (signal) => {
        const previewed = await runEngine(run, (given) => engine.preview(given), signal);
        if (!previewed.ok) throw engineFailed(run, previewed, 'preview');
        return { detail: `to come: ${summaryOf(previewed.resources)}` };
      },
    },
    {
      name: 'up',
      run: async (signal) => {
        const ran = await runEngine(run, (given) => engine.up(given), signal);
        const { resources } = ran;
        touched = resources;
        ({ killed } = ran);
        if (ran.ok) return { detail: summaryOf(resources), resources };
        const cause = signal.aborted ? interrupted(run, resources) : engineFailed(run, ran, 'up');
        throw new StepFailed(cause, { resources, ...(await exportAfter(run)) });
      },
    },
    {
      name: 'state',
      run: async () => {
        return { state: await exportNow(run) };
      },
    },
  ];
  const recover = async ({ step }: { step: string }): Promise<StandsOn> => {
    if (touched === undefined) return 'previous';
    if (step !== 'up') return 'target';
    return killed ? 'unknown' : touched.done.length === 0 ? 'previous' : 'partial';
  };
  const result = await runDeployment({ ...run, lease, pin, steps, progress, recover });
  if (touched === undefined || result.state === undefined) throw new TypeError('a step was left out');
  const number = movesOf(readLedger(places, environment)).at(-1)?.ordinal ?? 0;
  return { environment, pin, number, deployment: result.id, resources: touched, state: result.state };
}

async function exportNow({ places, environment, engine }: Run): Promise<Digest> {
  const number = lastDeployment(readLedger(places, environment))?.id ?? 0;
  return keepExport(places, environment, number, await engine.exportState());
}

/** What a deployment that failed left is worth keeping, too; that it can't be had must not hide why it failed. */
async function exportAfter(run: Run): Promise<{ state?: Digest }> {
  try {
    return { state: await exportNow(run) };
  } catch (error) {
    run.progress(`the state was not exported: ${messageOf(error)}`);
    return {};
  }
}

/** Runs the engine; a lock that a killed deployment left in its backend is removed, once, and only when the ledger says so. */
async function runEngine(
  run: Run,
  work: (options: RunOptions) => Promise<EngineRun>,
  signal: AbortSignal,
): Promise<EngineRun> {
  const { environment, lease, recovers, progress } = run;
  const given: RunOptions = { lease, signal, progress: (line) => progress(`  ${line}`) };
  const first = await work(given);
  if (first.killed) await removeLock(run, 'the engine was killed');
  if (first.lockedBy === undefined) return first;
  if (recovers) {
    await removeLock(run, 'the last deployment was killed');
    const second = await work(given);
    if (second.lockedBy === undefined) return second;
  }
  throw new CommandError({
    code: 'ENGINE_LOCKED',
    message: `somebody else runs the engine on ${environment}: ${first.lockedBy}`,
    hint: 'that one holds no lease of ours, so it was begun by hand: wait for its end. If it is dead: pulumi cancel',
    exitCode: 3,
  });
}

async function removeLock({ engine, lease, progress }: Run, why: string): Promise<void> {
  // Who has taken over may run the engine already: then the lock is that one's.
  await lease.assertHeld();
  progress(`${why}: removing the lock that it left in the engine`);
  // Where it left none there is nothing to remove, and where it can't be removed the engine says so at its next run.
  await engine.cancel().catch((error: unknown) => progress(messageOf(error)));
}

function assertStill(verified: Pin, present: Pin): void {
  if (isDeepStrictEqual(verified, present)) return;
  throw new CommandError({
    code: 'PIN_MOVED',
    message: `the pin moved to ${shortDigest(present.release)} while ${shortDigest(verified.release)} was verified`,
    hint: 'run the same command again',
  });
}

function tellPredecessor(
  before: DeploymentRecord | undefined,
  wasOpen: boolean,
  progress: (line: string) => void,
): void {
  const up = before?.steps.findLast((entry) => entry.event.step === 'up')?.event;
  const outcome = wasOpen ? 'was killed' : before?.ended?.event.outcome;
  if (before === undefined || outcome === 'succeeded' || up === undefined) return;
  const { done = [], failed = [] } = up.resources ?? {};
  const far = up.resources === undefined ? '' : `: ${done.length} resources were done, ${failed.length} were not`;
  progress(`deployment ${before.id} ${outcome ?? 'did not end'} in step up${far}. Going on from there`);
}

export function summaryOf({ created, updated, replaced, deleted, unchanged }: TouchedResources): string {
  return `created ${created}, updated ${updated}, replaced ${replaced}, deleted ${deleted}, unchanged ${unchanged}`;
}

function engineFailed({ environment }: Run, run: EngineRun, step: 'preview' | 'up'): CommandError {
  const failures = run.failures.map(({ urn, reason }) => `  ${urn}: ${reason}`);
  const lines = [...run.errors.map((error) => `  ${error}`), ...failures].join('\n');
  const again = `npx orrery deploy ${environment}`;
  if (step === 'preview') {
    return new CommandError({
      code: 'PREVIEW_FAILED',
      message: `the engine can't preview ${environment}, nothing was changed:\n${lines}`,
      hint: `mend the cause, then ${again}`,
    });
  }
  return new CommandError({
    code: 'DEPLOYMENT_PARTIAL',
    message: `${environment} stands between two states (${summaryOf(run.resources)}), ${run.failures.length} failed:\n${lines}`,
    hint: `the ledger has every resource that was touched. Mend the cause, then ${again} goes on from there; or npx orrery rollback ${environment}`,
  });
}

function interruptedEarly(environment: string): CommandError {
  const message = `the deployment of ${environment} was interrupted before it began`;
  return new CommandError({ code: 'INTERRUPTED', message, hint: 'nothing was changed, and nothing is to be undone' });
}

function interrupted({ environment }: Run, resources: TouchedResources): CommandError {
  return new CommandError({
    code: 'INTERRUPTED',
    message: `the deployment of ${environment} was interrupted: ${summaryOf(resources)}`,
    hint: `npx orrery deploy ${environment} goes on from there`,
  });
}
