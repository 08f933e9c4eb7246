import type { Digest } from '@orrery/contracts/digest';
import type { DeploymentEnded, LedgerEvent, TouchedResources } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import { OrreryError } from '@orrery/kit/errors';
import { CommandError, messageOf } from '../errors.ts';
import type { Places } from '../release/places.ts';
import { appendEntry, deploymentsOf, lastDeployment, readLedger, type DeploymentRecord } from './ledger.ts';
import type { Lease } from './lock.ts';

export type StandsOn = DeploymentEnded['standsOn'];

/** What a step says of what it did. */
export interface StepReport {
  readonly detail?: string;
  readonly resources?: TouchedResources;
  /** Of the last step that has one: the digest of the encrypted export of the engine's state. */
  readonly state?: Digest;
}

export interface Step {
  /** Unique in its deployment, for example `replace scoring`. */
  readonly name: string;
  /** Throws when it fails; a `StepFailed` also says what was done before. The signal asks it to end early. */
  readonly run: (signal: AbortSignal) => Promise<StepReport | undefined>;
}

/** Thrown by a step that did a part of its work: the ledger keeps the report, whoever called gets the cause. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly report: StepReport;

  constructor(cause: unknown, report: StepReport) {
    super(messageOf(cause), { cause });
    this.report = report;
  }
}

export interface Deploying {
  readonly places: Places;
  readonly environment: string;
  /** Held by the caller, who releases it. */
  readonly lease: Lease;
  readonly actor: string;
  readonly reason: string;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
}

export interface DeploymentOptions extends Deploying {
  readonly pin: Pin;
  readonly steps: readonly Step[];
  /** Aborted when a person ends the command: no further step begins, and the deployment is told as interrupted. */
  readonly signal?: AbortSignal;
  /** Called once a step has failed or was interrupted: puts back what can be, and says what runs then. Default: by the step's name. */
  readonly recover?: (failed: FailedStep) => Promise<StandsOn>;
}

export interface FailedStep {
  readonly step: string;
  readonly error: unknown;
}

export interface DeploymentResult {
  /** The number of the entry that began it. */
  readonly id: number;
  readonly state?: Digest;
}

/** Steps that look and lay out, and change nothing of what runs. */
const harmless = new Set(['verify', 'render', 'materialise', 'preview']);
const detailCharactersMax = 2000;

/**
 * Runs the steps of a deployment in order and writes each into the ledger as it begins and as it ends; before each the lease must
 * still be held. An earlier deployment that nobody ended is ended first. Throws what the failing step threw, once the ledger says
 * so; after `FENCED_OFF` nothing is written, since somebody else writes then.
 */
export async function runDeployment(options: DeploymentOptions): Promise<DeploymentResult> {
  const { pin, steps, progress } = options;
  await settleDeployments(options);
  const names = steps.map((step) => step.name);
  const id = await write(options, { kind: 'deployment-started', pin, steps: names });
  let state: Digest | undefined;
  for (const [index, step] of steps.entries()) {
    if (options.signal?.aborted === true) {
      const error = interrupted(options.environment, step.name);
      await end(options, id, { step: step.name, error });
      throw error;
    }
    progress(`step ${index + 1} of ${steps.length}: ${step.name}`);
    try {
      state = (await runStep(options, id, step)) ?? state;
    } catch (error) {
      const cause = error instanceof StepFailed ? error.cause : error;
      if (codeOf(cause) !== 'FENCED_OFF') await endFailed(options, id, step.name, error);
      throw cause;
    }
  }
  const kept = state === undefined ? {} : { state };
  await write(options, {
    kind: 'deployment-ended',
    deployment: id,
    outcome: 'succeeded',
    standsOn: 'target',
    ...kept,
  });
  return { id, ...kept };
}

export interface SettleOptions extends Deploying {
  /** What runs after a deployment that was killed. Default: as far as its entries tell. */
  readonly standsOn?: (deployment: DeploymentRecord) => StandsOn;
}

/** Ends the deployments whose deployer was killed: to be called, under the lease, before anything else is deployed. */
export async function settleDeployments(options: SettleOptions): Promise<DeploymentRecord[]> {
  const { places, environment, progress } = options;
  const open = deploymentsOf(readLedger(places, environment)).filter((one) => one.ended === undefined);
  for (const deployment of open) {
    const last = deployment.steps.at(-1)?.event;
    const where = last === undefined ? 'before its first step' : `in step ${last.step} (${last.outcome})`;
    await write(
      { ...options, reason: `found unfinished: ${deployment.started.actor}'s deployer ended ${where}` },
      {
        kind: 'deployment-ended',
        deployment: deployment.id,
        outcome: 'interrupted',
        standsOn: (options.standsOn ?? standsOnAfter)(deployment),
      },
    );
    progress(`deployment ${deployment.id} had been interrupted ${where}: told so in the ledger`);
  }
  return open;
}

/** What runs after a deployment that was killed, as far as its entries tell. */
function standsOnAfter(deployment: DeploymentRecord): StandsOn {
  if (!hasChanged(deployment)) return 'previous';
  const { started, steps } = deployment;
  const done = steps.filter((entry) => entry.event.outcome === 'done').map((entry) => entry.event.step);
  return started.event.steps.every((name) => done.includes(name)) ? 'target' : 'unknown';
}

/** Whether a step began that may have changed what runs. */
function hasChanged({ steps }: DeploymentRecord): boolean {
  return steps.some((entry) => entry.event.outcome === 'started' && !harmless.has(entry.event.step));
}

async function runStep(options: DeploymentOptions, id: number, step: Step): Promise<Digest | undefined> {
  const signal = options.signal ?? new AbortController().signal;
  const event = { kind: 'deployment-step', deployment: id, step: step.name } as const;
  await write(options, { ...event, outcome: 'started' });
  const { detail, resources, state } = (await step.run(signal)) ?? {};
  await write(options, {
    ...event,
    outcome: 'done',
    ...(detail === undefined ? {} : { detail: detail.slice(0, detailCharactersMax) }),
    ...(resources === undefined ? {} : { resources }),
  });
  return state;
}

async function endFailed(options: DeploymentOptions, id: number, step: string, error: unknown): Promise<void> {
  const [cause, report] = error instanceof StepFailed ? [error.cause, error.report] : [error, {}];
  await write(options, {
    kind: 'deployment-step',
    deployment: id,
    step,
    outcome: 'failed',
    // The ledger goes into git: it holds no path of this machine.
    detail: `${codeOf(cause)}: ${messageOf(cause)}`
      .replaceAll(`${options.places.root}/`, '')
      .slice(0, detailCharactersMax),
    ...(report.resources === undefined ? {} : { resources: report.resources }),
  });
  await end(options, id, { step, error: cause }, report.state);
}

/** Ends a deployment that did not succeed, once what ran before has been put back as far as it can. */
async function end(options: DeploymentOptions, id: number, failed: FailedStep, state?: Digest): Promise<void> {
  const standsOn = await recovered(options, failed);
  await write(options, {
    kind: 'deployment-ended',
    deployment: id,
    outcome: options.signal?.aborted === true ? 'interrupted' : 'failed',
    standsOn,
    ...(state === undefined ? {} : { state }),
  });
}

async function recovered(options: DeploymentOptions, failed: FailedStep): Promise<StandsOn> {
  if (options.recover === undefined) {
    const deployment = lastDeployment(readLedger(options.places, options.environment));
    return deployment === undefined || !hasChanged(deployment) ? 'previous' : 'partial';
  }
  try {
    return await options.recover(failed);
  } catch (failure) {
    options.progress(`putting back what ran failed, too: ${messageOf(failure)}`);
    return 'unknown';
  }
}

/** Writes an entry under the lease, and returns its number. */
async function write(options: Deploying, event: LedgerEvent): Promise<number> {
  const { places, environment, lease, actor, reason, now } = options;
  await lease.assertHeld();
  const draft = { at: now().toISOString(), actor, reason, fence: lease.fence, event };
  return appendEntry(places, environment, draft).number;
}

function codeOf(error: unknown): string {
  return error instanceof CommandError || error instanceof OrreryError ? error.code : 'FAULT';
}

function interrupted(environment: string, step: string): CommandError {
  return new CommandError({
    code: 'INTERRUPTED',
    message: `the deployment of ${environment} was interrupted before step ${step}`,
    hint: `run it again: npx orrery deploy ${environment}`,
  });
}
