import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { LedgerEntry } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import { OrreryError } from '@orrery/kit/errors';
import { CommandError } from '../errors.ts';
import { entryNames, movesOf, readEntry, readLedger } from '../promotion/ledger.ts';
import { lastMove, movePin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { provideClosure } from '../promotion/verify.ts';
import { ledgerFolder, type Places } from '../release/places.ts';
import { readRelease } from '../release/records.ts';
import { ensureToolchain } from '../setup/toolchain.ts';
import { findAgent, requireAgent, startAgent, type RunningAgent } from './agent-client.ts';
import { callDeployer } from './deployer-peer.ts';
import type { Deployed } from './deployer.ts';
import { firstPin } from './first-pin.ts';
import { holdLocal } from './hold.ts';
import { describeLauncher } from './launcher.ts';

/** What of a command's context these need. */
export interface LocalContext {
  readonly places: Places;
  readonly portBase: number | undefined;
  readonly actor: string;
  readonly now: () => Date;
  readonly progress: (line: string) => void;
  readonly untilInterrupted: () => Promise<void>;
}

export interface LocalMove {
  readonly kind: 'pin' | 'rollback';
  /** Its release and its binding are what comes to stand; its render is told where this clone's launcher makes another. */
  readonly pin: Pin;
  readonly reason: string;
  /** How long to wait while somebody else changes `local`. Default 0. */
  readonly waitMs?: number;
}

export interface LocalOutcome extends Deployed {
  /** Whether the environment runs. */
  readonly running: boolean;
  /** Whether it was started for this. */
  readonly started: boolean;
}

const deploymentMaxMs = 600_000;
const waitStepMs = 250;
const watchStepMs = 100;
const goneMaxMs = 2000;

/**
 * Moves the pin of `local`: where it runs, together with what runs, by its deployer; else the pin alone, once the store holds
 * everything that the next start needs. A pin that is there already is not moved again, but what runs is brought to it. Throws
 * `ENVIRONMENT_LOCKED` (exit 3) while somebody else changes it.
 */
export function moveLocal(context: LocalContext, move: LocalMove): Promise<LocalOutcome> {
  const { kind, pin, reason } = move;
  return whenFree(context, move.waitMs ?? 0, async (agent) => {
    const moved = agent === undefined ? await moveAlone(context, move) : undefined;
    return moved ?? askAgent(context, agent ?? requireAgent(context.places), { kind, pin, reason });
  });
}

/** Brings what runs to what the pin says: nothing to do when it is so, and the whole environment when nothing runs. */
export function deployLocal(context: LocalContext, options: { readonly waitMs?: number } = {}): Promise<LocalOutcome> {
  const { waitMs = 0 } = options;
  const ask = (agent: RunningAgent) => askAgent(context, agent, { kind: 'deploy', reason: 'deployed by hand' });
  return whenFree(context, waitMs, async (agent) => {
    if (agent !== undefined) return ask(agent);
    try {
      const pin = await bringUp(context, { waitMs });
      return outcomeOf(context.places, pin, { running: true, started: true });
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== 'ENVIRONMENT_RUNS') throw error;
      return ask(requireAgent(context.places));
    }
  });
}

/** Starts the environment and leaves it running. */
export async function bringUp(context: LocalContext, { waitMs }: { readonly waitMs: number }): Promise<Pin> {
  const { places, progress } = context;
  await ensureToolchain({ root: places.root, progress });
  const { pin, portBase } = await firstPin({ ...context, waitMs });
  const interrupted = context.untilInterrupted();
  const agent = await startAgent({ places, portBase, tied: false, waitMs, progress, interrupted });
  agent.release();
  return pin;
}

async function whenFree<T>(
  { places, progress }: LocalContext,
  waitMs: number,
  work: (agent: RunningAgent | undefined) => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + waitMs;
  for (let told = false; ; told = true) {
    try {
      return await work(findAgent(places));
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== 'ENVIRONMENT_LOCKED') throw error;
      if (performance.now() >= deadline) throw error;
      if (!told) progress(`waiting: ${error.message}`);
      await sleep(waitStepMs);
    }
  }
}

async function askAgent(
  { places, actor, progress }: LocalContext,
  agent: RunningAgent,
  body: { readonly kind: 'pin' | 'rollback' | 'deploy'; readonly pin?: Pin; readonly reason: string },
): Promise<LocalOutcome> {
  const answered = new AbortController();
  const watching = watchSteps(places, progress, answered.signal).catch(() => undefined);
  try {
    const call = { method: 'POST', path: '/v1/deployments', body, actor, timeoutMs: deploymentMaxMs } as const;
    const deployed = (await callDeployer(agent.deployer, call)) as Deployed;
    return { ...deployed, running: true, started: false };
  } catch (error) {
    throw error instanceof OrreryError ? await lostTouch(places, error) : error;
  } finally {
    answered.abort();
    await watching;
  }
}

/** Tells each step as the ledger gets it. */
async function watchSteps(places: Places, progress: (line: string) => void, signal: AbortSignal): Promise<void> {
  const folder = ledgerFolder(places, 'local');
  let seen = entryNames(folder).length;
  const tellUnseen = () => {
    for (const name of entryNames(folder).slice(seen)) {
      seen += 1;
      const { event } = readEntry(join(folder, name));
      if (event.kind === 'deployment-step' && event.outcome === 'started') progress(`  ${event.step}`);
    }
  };
  while (!signal.aborted) {
    await sleep(watchStepMs, undefined, { signal }).catch(() => undefined);
    tellUnseen();
  }
}

async function lostTouch(places: Places, cause: OrreryError): Promise<CommandError> {
  // A killed process closes its connections a little before it is gone.
  for (let waitedMs = 0; findAgent(places) !== undefined && waitedMs < goneMaxMs; waitedMs += watchStepMs) {
    await sleep(watchStepMs);
  }
  const runs = findAgent(places) !== undefined;
  return new CommandError({
    code: 'DEPLOYER_LOST',
    message: runs
      ? `the deployer did not answer: ${cause.message}`
      : 'the local environment ended while it was asked; its ledger tells how far it came',
    hint: runs
      ? 'npx orrery status shows it, npx orrery logs deployer tells what it does'
      : 'run the same command again',
    cause,
  });
}

/** Undefined, and nothing moved, when the environment came up before the lock was taken. */
async function moveAlone(
  context: LocalContext,
  { kind, pin: asked, reason }: LocalMove,
): Promise<LocalOutcome | undefined> {
  const { places, actor, now, progress } = context;
  const turn = { places, holder: `${actor}: ${kind} local`, actor, now, progress };
  return holdLocal(turn, async (lease) => {
    if (findAgent(places) !== undefined) return undefined;
    const { release, binding } = asked;
    await provideClosure(places, readRelease(places, release), progress);
    const pin = await renderTarget(places, { environment: 'local', release, binding, progress });
    const present = lastMove(readLedger(places, 'local'))?.event.pin;
    if (!isDeepStrictEqual(present, pin)) {
      movePin(places, 'local', { kind, pin, actor, reason, at: now().toISOString(), fence: lease.fence });
    }
    const launcher = (await describeLauncher(places, asked, pin)) ?? null;
    return { ...outcomeOf(places, pin, { running: false, started: false }), launcher };
  });
}

function outcomeOf(places: Places, pin: Pin, how: { running: boolean; started: boolean }): LocalOutcome {
  const ledger: readonly LedgerEntry[] = readLedger(places, 'local');
  const number = movesOf(ledger).at(-1)?.ordinal ?? 0;
  return { deployment: null, number, pin, launcher: null, replaced: [], removed: [], postponed: [], ...how };
}
