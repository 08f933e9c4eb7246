import { join } from 'node:path';
import { shortDigest } from '@orrery/contracts/digest';
import { CommandError } from '../errors.ts';
import { deployLocal, type LocalOutcome } from '../local/deploy.ts';
import { deployCloud, summaryOf } from '../promotion/cloud-deployment.ts';
import { createPulumiEngine } from '../promotion/pulumi-engine.ts';
import { isLocal } from '../release/places.ts';
import { currentHost, findProgram } from '../setup/host.ts';
import { assertEnvironment } from './environment-name.ts';
import { required } from './release.ts';
import { textOption, waitOption, type Values, type Verb, type VerbContext, type VerbResult } from './verb.ts';

/** What deploying may be asked, by whichever verb. */
export const deployOptions = {
  wait: { type: 'string' },
  'lock-here': { type: 'boolean' },
  'entries-lost': { type: 'boolean' },
  uncommitted: { type: 'boolean' },
} as const;

export const deploy: Verb = {
  name: 'deploy',
  summary: 'make an environment be what its pin says',
  wordsMax: 1,
  usage: 'ENV [--wait SECONDS] [--reason TEXT] [--uncommitted] [--lock-here] [--entries-lost]',
  help: `Verifies what ENV is pinned to, renders it again and compares, judges it by the rules of policies/, takes ENV's lock, and runs the engine (the Pulumi CLI on the PATH):
preview, then up, never without its preview. Every step is an entry of ENV's ledger; the state is exported encrypted. When the
engine could not make all of it, the ledger has what was touched, exit code 1, and the same command goes on from there.
  --wait SECONDS   wait that long while somebody else deploys ENV
  --uncommitted    deploy a pin that is not committed
  --lock-here      take the lock of this clone alone: when the remote that others share is down, and nobody else deploys
  --entries-lost   go on although the last deployer's entries of the ledger never came here: its machine is gone
For local: brings what runs to what the pin says, or starts it.`,
  options: { reason: { type: 'string' }, ...deployOptions },
  async run(context, { words, values }) {
    const environment = assertEnvironment(context.places, required(words, 'ENV', 'deploy'));
    if (isLocal(environment)) return deployHere(context, values);
    const reason = textOption(values, 'reason') ?? 'deployed by hand';
    return deployAsAsked(context, {
      environment,
      reason,
      values,
      allowsUncommitted: values['uncommitted'] === true,
    });
  },
};

export interface DeployRequest {
  readonly environment: string;
  readonly reason: string;
  readonly values: Values;
  readonly allowsUncommitted: boolean;
  /** False for the way back. Default true. */
  readonly judges?: boolean;
}

export async function deployAsAsked(context: VerbContext, request: DeployRequest): Promise<VerbResult> {
  const { environment, reason, values, allowsUncommitted, judges = true } = request;
  const { places, actor, now, progress } = context;
  const program = findEngine(environment);
  const interruption = new AbortController();
  void context.untilInterrupted().then(() => interruption.abort());
  const deployed = await deployCloud({
    places,
    environment,
    engine: createPulumiEngine({ root: places.root, environment, program, logs: join(places.state, 'logs') }),
    actor,
    reason,
    now,
    progress,
    signal: interruption.signal,
    allowsUncommitted,
    judges,
    lock: {
      waitMs: waitOption(values),
      scope: values['lock-here'] === true ? 'clone' : 'environment',
      acceptsLostEntries: values['entries-lost'] === true,
    },
  });
  const text = [
    `${environment} stands on release ${shortDigest(deployed.pin.release)} (number ${deployed.number}, deployment ${deployed.deployment})`,
    summaryOf(deployed.resources),
    `state ${deployed.state}`,
    `commit stacks/pins and stacks/records: they say what ${environment} stands on`,
  ].join('\n');
  return { json: deployed, text };
}

async function deployHere(context: VerbContext, values: Values): Promise<VerbResult> {
  const deployed = await deployLocal(context, { waitMs: waitOption(values) });
  const stands = `local stands on release ${shortDigest(deployed.pin.release)} (number ${deployed.number})`;
  return { json: { environment: 'local', ...deployed }, text: [stands, ...effectsOf(deployed)].join('\n') };
}

/** What became of the processes of the local environment, a line each. */
export function effectsOf({ running, started, deployment, replaced, removed, postponed }: LocalOutcome): string[] {
  const none = deployment === null ? 'nothing to do' : 'replaced: nothing, no service differs';
  return [
    ...(started ? ['nothing ran: all of it was started'] : []),
    ...(running && !started ? [replaced.length === 0 ? none : `replaced: ${replaced.join(', ')}`] : []),
    ...(removed.length === 0 ? [] : [`ended: ${removed.join(', ')}`]),
    ...(postponed.length === 0 ? [] : [`with other settings at the next start: ${postponed.join(', ')}`]),
  ];
}

/** The path of the Pulumi CLI. Throws `ENGINE_MISSING`: asked before anything is changed. */
export function findEngine(environment: string): string {
  const program = findProgram(currentHost(), 'pulumi');
  if (program !== undefined) return program;
  throw new CommandError({
    code: 'ENGINE_MISSING',
    message: `${environment} is deployed by the Pulumi CLI, and there is no pulumi on the PATH`,
    hint: 'install it: https://www.pulumi.com/docs/install, then pulumi login. Nothing was changed',
  });
}
