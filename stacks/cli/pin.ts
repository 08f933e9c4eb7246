import { digestOf, shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';
import { moveLocal, type LocalOutcome } from '../local/deploy.ts';
import { readLocalBinding } from '../local/settings.ts';
import { movesOf, readLedger, type Move as PinMove } from '../promotion/ledger.ts';
import { acquireLock } from '../promotion/lock.ts';
import { movePin, readPin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { isLocal } from '../release/places.ts';
import { readRelease, recordBinding, recordRelease } from '../release/records.ts';
import { freezeSettings } from './settings.ts';
import { textOption, waitOption, type Verb, type VerbContext } from './verb.ts';
import { required } from './release.ts';

interface Move {
  readonly environment: string;
  readonly kind: 'pin' | 'rollback';
  readonly pin: Pin;
  readonly reason: string;
  readonly waitMs: number;
}

export const pin: Verb = {
  name: 'pin',
  summary: 'set what an environment stands on',
  wordsMax: 2,
  usage: 'ENV RELEASE [--reason TEXT] [--drop-live] [--wait SECONDS]',
  help: `Freezes Pulumi.<ENV>.yaml into a binding and moves ENV's pin to RELEASE and that binding.
For local, what runs is replaced first, without a failed request; the pin moves only when all of it serves.
A release without a pair that is live in ENV is refused (exit code 3): make it with release create --live ENV,
or say --drop-live.`,
  options: { reason: { type: 'string' }, 'drop-live': { type: 'boolean' }, wait: { type: 'string' } },
  async run(context, { words, values }) {
    const environment = required(words, 'ENV', 'pin');
    const { places } = context;
    const release = readRelease(places, required(words.slice(1), 'RELEASE', 'pin'));
    if (values['drop-live'] !== true) assertKeepsLive(context, environment, release.release.live);
    if (!isLocal(environment)) recordRelease(places, environment, release.release, release.provenance);
    const binding = isLocal(environment) ? readLocalBinding(places.root) : freezeSettings(places.root, environment);
    const request = { environment, release: release.digest, binding: recordBinding(places, binding) };
    return move(context, {
      environment,
      kind: 'pin',
      pin: await renderTarget(places, { ...request, progress: context.progress }),
      reason: textOption(values, 'reason') ?? 'pinned by hand',
      waitMs: waitOption(values),
    });
  },
};

export const rollback: Verb = {
  name: 'rollback',
  summary: 'go back to what an environment stood on before',
  wordsMax: 1,
  usage: 'ENV [--to N] [--reason TEXT] [--wait SECONDS] | ENV --list',
  help: `Moves the pin forward to the release and binding of number N: bundles, configuration, definitions and live
pairs of then, exactly. Without --to: the latest number that stood on something else. N is listed by npx orrery rollback ENV --list.`,
  options: { to: { type: 'string' }, reason: { type: 'string' }, list: { type: 'boolean' }, wait: { type: 'string' } },
  async run(context, { words, values }) {
    const environment = required(words, 'ENV', 'rollback');
    const moves = movesOf(readLedger(context.places, environment));
    if (values['list'] === true) return { json: moves, text: moves.map(moveLine).join('\n') };
    const target = chooseMove(moves, environment, textOption(values, 'to'));
    const reason = textOption(values, 'reason') ?? `back to number ${target.ordinal}`;
    const waitMs = waitOption(values);
    return move(context, { environment, kind: 'rollback', pin: target.entry.event.pin, reason, waitMs });
  },
};

/** Moves the pin; that of local together with what runs, where it runs. */
async function move(context: VerbContext, asked: Move) {
  const { places, actor } = context;
  const { environment, kind, pin: target, reason, waitMs } = asked;
  const before = readPin(places, environment);
  if (isLocal(environment)) return localResult(before, asked, await moveLocal(context, asked));
  const lease = await acquireLock(places, environment, { holder: `${actor}: ${kind} ${environment}`, waitMs });
  let number: number;
  try {
    const at = context.now().toISOString();
    const entry = movePin(places, environment, { kind, pin: target, actor, reason, at, fence: lease.fence });
    number = movesOf(readLedger(places, environment)).find((one) => one.entry.number === entry.number)?.ordinal ?? 0;
  } finally {
    await lease.release();
  }
  return {
    json: { environment, kind, from: before ?? null, to: target, number, replaced: [] },
    text: `${moveText(before, asked, number)}\ncommit stacks/pins/${environment}.json and stacks/records to make it so`,
  };
}

function localResult(before: Pin | undefined, asked: Move, outcome: LocalOutcome) {
  const { number, replaced, removed, postponed, running } = outcome;
  const { environment, kind, pin: to } = asked;
  const effects = [
    ...(running ? [`replaced: ${replaced.join(', ') || 'nothing, no service differs'}`] : []),
    ...(removed.length === 0 ? [] : [`ended: ${removed.join(', ')}`]),
    ...(postponed.length === 0 ? [] : [`with other settings at the next start: ${postponed.join(', ')}`]),
  ];
  return {
    json: { environment, kind, from: before ?? null, to, number, replaced, removed, postponed, running },
    text: [moveText(before, asked, number), ...effects].join('\n'),
  };
}

function moveText(before: Pin | undefined, { environment, pin: target }: Move, number: number): string {
  if (before !== undefined && digestOf('pin', before) === digestOf('pin', target)) {
    return `${environment} stands on ${shortDigest(target.release)} already (number ${number})`;
  }
  const from = before === undefined ? 'nothing' : shortDigest(before.release);
  return `${environment}: ${from} -> ${shortDigest(target.release)} (number ${number})`;
}

function assertKeepsLive(context: VerbContext, environment: string, live: Readonly<Record<string, string>>): void {
  const present = readPin(context.places, environment);
  if (present === undefined) return;
  const lost = Object.keys(readRelease(context.places, present.release).release.live).filter(
    (model) => !(model in live),
  );
  if (lost.length === 0) return;
  throw new CommandError({
    code: 'LIVE_PAIR_LOST',
    message: `this release has no live pair of ${lost.join(', ')}, which ${environment} serves`,
    hint: `make it with them: npx orrery release create --live ${environment}; or stop serving them: --drop-live`,
    exitCode: 3,
  });
}

/** Without a number: the latest that stood on something else. After a rollback that would be what was left: then say it. */
function chooseMove(moves: readonly PinMove[], environment: string, to: string | undefined): PinMove {
  const hint = `npx orrery rollback ${environment} --list shows all ${moves.length}; --to N goes to one`;
  if (to !== undefined) {
    const move = moves.find((one) => one.ordinal === Number(to));
    if (move !== undefined) return move;
    throw unknownNumber(`${environment} has no number ${to}`, hint);
  }
  const last = moves.at(-1);
  if (last?.entry.event.kind === 'rollback')
    throw unknownNumber(`the last move of ${environment} is itself a rollback`, hint);
  const present = last === undefined ? '' : digestOf('pin', last.entry.event.pin);
  const move = moves.findLast((one) => digestOf('pin', one.entry.event.pin) !== present);
  if (move !== undefined) return move;
  throw unknownNumber(`${environment} has nothing to go back to`, hint);
}

function unknownNumber(message: string, hint: string): CommandError {
  return new CommandError({ code: 'NUMBER_UNKNOWN', message, hint, exitCode: 2 });
}

function moveLine({ ordinal, entry }: PinMove): string {
  const { pin, kind } = entry.event;
  const place = `${shortDigest(pin.release)} ${shortDigest(pin.binding)}`;
  return `${String(ordinal).padStart(4)}  ${entry.at.slice(0, 19)}  ${kind.padEnd(8)}  ${place}  ${entry.actor}: ${entry.reason}`;
}
