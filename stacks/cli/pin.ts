import { digestOf, shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';
import { moveLocal } from '../local/deploy.ts';
import { readLocalBinding } from '../local/settings.ts';
import { movesOf, readLedger, type Move } from '../promotion/ledger.ts';
import { assertCanReturn, moveRecordedPin } from '../promotion/move.ts';
import { readPin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { isLocal } from '../release/places.ts';
import { readBinding, readRelease, recordBinding, recordRelease } from '../release/records.ts';
import { deployAsAsked, deployOptions, effectsOf, findEngine } from './deploy.ts';
import { assertEnvironment } from './environment-name.ts';
import { required } from './release.ts';
import { freezeSettings, thawSettings } from '../promotion/settings-file.ts';
import { textOption, waitOption, type Values, type Verb, type VerbContext, type VerbResult } from './verb.ts';

interface Asked {
  readonly environment: string;
  readonly kind: 'pin' | 'rollback';
  readonly pin: Pin;
  readonly reason: string;
  readonly values: Values;
  readonly waitMs: number;
}

export const pin: Verb = {
  name: 'pin',
  summary: 'set what an environment stands on',
  wordsMax: 2,
  usage: 'ENV RELEASE [--reason TEXT] [--drop-live] [--wait SECONDS]',
  help: `Freezes Pulumi.<ENV>.yaml into a binding, renders RELEASE with it, and moves ENV's pin to {release, binding, render}: an
entry of ENV's ledger. A release that is neither whole nor can be rebuilt from its commit is refused.
For local, what runs is replaced first, without a failed request; the pin moves only when all of it serves. For other
environments: commit stacks/, then npx orrery deploy ENV.
A release without a pair that is live in ENV is refused (exit code 3): make it with release create --live ENV, or say --drop-live.
  --wait SECONDS   wait that long while somebody else changes ENV`,
  options: { reason: { type: 'string' }, 'drop-live': { type: 'boolean' }, wait: { type: 'string' } },
  async run(context, { words, values }) {
    const { places, progress } = context;
    const environment = assertEnvironment(places, required(words, 'ENV', 'pin'));
    const release = readRelease(places, required(words.slice(1), 'RELEASE', 'pin'));
    const waitMs = waitOption(values);
    if (values['drop-live'] !== true) assertKeepsLive(context, environment, release.release.live);
    const settings = isLocal(environment) ? readLocalBinding(places.root) : freezeSettings(places.root, environment);
    if (!isLocal(environment)) recordRelease(places, environment, release.release, release.provenance);
    const binding = recordBinding(places, settings);
    const target = await renderTarget(places, { environment, release: release.digest, binding, progress });
    const reason = textOption(values, 'reason') ?? 'pinned by hand';
    return move(context, { environment, kind: 'pin', pin: target, reason, values, waitMs });
  },
};

export const rollback: Verb = {
  name: 'rollback',
  summary: 'go back to what an environment stood on before',
  wordsMax: 1,
  usage: 'ENV [--to N] [--list] [--pin-only] [--reason TEXT]',
  help: `Moves the pin forward to the release and binding of number N, and deploys: bundles, configuration, definitions, live pairs
and infrastructure of then, exactly. They are rendered again, and must give the render of then; Pulumi.<ENV>.yaml says again what
it said then. Without --to: the latest number that stood on something else. --list shows every number.
  --pin-only   move the pin, and deploy later (npx orrery deploy ENV)
The options of npx orrery deploy hold here, too. What is rolled back to need not be committed first: commit it afterwards.`,
  options: {
    to: { type: 'string' },
    reason: { type: 'string' },
    list: { type: 'boolean' },
    'pin-only': { type: 'boolean' },
    ...deployOptions,
  },
  async run(context, { words, values }) {
    const environment = assertEnvironment(context.places, required(words, 'ENV', 'rollback'));
    const moves = movesOf(readLedger(context.places, environment));
    if (values['list'] === true) return { json: moves, text: listMoves(environment, moves) };
    const target = chooseMove(moves, environment, textOption(values, 'to'));
    const reason = textOption(values, 'reason') ?? `back to number ${target.ordinal}`;
    const stood = target.entry.event.pin;
    const waitMs = waitOption(values);
    if (!isLocal(environment)) {
      if (values['pin-only'] !== true) findEngine(environment);
      await assertCanReturn(context.places, environment, stood, context.progress);
    }
    return move(context, { environment, kind: 'rollback', pin: stood, reason, values, waitMs });
  },
};

/** The file of the settings is what people edit: after a return it must say what is pinned, as ever. */
function tellThawed({ places, progress }: VerbContext, environment: string, stood: Pin): void {
  const changed = thawSettings(places.root, readBinding(places, environment, stood.binding));
  const shown = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value));
  for (const { path, pinned, configured } of changed)
    progress(`Pulumi.${environment}.yaml: ${path} was ${shown(configured)}, is ${shown(pinned)} again`);
}

async function move(context: VerbContext, asked: Asked): Promise<VerbResult> {
  const { environment, kind, pin: target, reason, values, waitMs } = asked;
  const before = readPin(context.places, environment);
  const told = { environment, kind, from: before ?? null, to: target };
  if (isLocal(environment)) {
    const moved = await moveLocal(context, { kind, pin: target, reason, waitMs });
    const { number, launcher, replaced, removed, postponed, running, pin: stands } = moved;
    const line = `${arrowOf(environment, before, stands)} (number ${number})`;
    const text = [line, ...(launcher === null ? [] : [`note: ${launcher}`]), ...effectsOf(moved)].join('\n');
    return { json: { ...told, to: stands, number, launcher, replaced, removed, postponed, running }, text };
  }
  const moved = await moveRecordedPin({ ...context, environment, kind, pin: target, reason, waitMs });
  if (kind === 'rollback') tellThawed(context, environment, target);
  const line = `${arrowOf(environment, before, target)} (number ${moved.ordinal})`;
  const commit = `commit stacks and Pulumi.${environment}.yaml to make it known`;
  if (kind === 'pin' || values['pin-only'] === true) {
    const next = `${commit}; then npx orrery deploy ${environment}`;
    return { json: { ...told, number: moved.ordinal }, text: `${line}\nrender ${target.render}\n${next}` };
  }
  context.progress(line);
  const deployed = await deployAsAsked(context, {
    environment,
    reason,
    values,
    allowsUncommitted: true,
    judges: false,
  });
  return { ...deployed, json: { ...told, number: moved.ordinal, deployment: deployed.json } };
}

function arrowOf(environment: string, before: Pin | undefined, to: Pin): string {
  if (before !== undefined && digestOf('pin', before) === digestOf('pin', to))
    return `${environment} stands on ${shortDigest(to.release)} already`;
  const from = before === undefined ? 'nothing' : shortDigest(before.release);
  return `${environment}: ${from} -> ${shortDigest(to.release)}`;
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
function chooseMove(moves: readonly Move[], environment: string, to: string | undefined): Move {
  const hint = `npx orrery rollback ${environment} --list shows all ${moves.length}; --to N goes to one`;
  if (to !== undefined) {
    const found = moves.find((one) => one.ordinal === Number(to));
    if (found !== undefined) return found;
    throw unknownNumber(`${environment} has no number ${to}`, hint);
  }
  const last = moves.at(-1);
  if (last?.entry.event.kind === 'rollback')
    throw unknownNumber(`the last move of ${environment} is itself a rollback`, hint);
  // The render follows from these two; of local, the clone's launcher has a part in it.
  const stood = ({ entry: { event } }: Move) => `${event.pin.release} ${event.pin.binding}`;
  const found = moves.findLast((one) => last !== undefined && stood(one) !== stood(last));
  if (found !== undefined) return found;
  throw unknownNumber(`${environment} has nothing to go back to`, hint);
}

function unknownNumber(message: string, hint: string): CommandError {
  return new CommandError({ code: 'NUMBER_UNKNOWN', message, hint, exitCode: 2 });
}

function listMoves(environment: string, moves: readonly Move[]): string {
  if (moves.length > 0) return moves.map(moveLine).join('\n');
  return `${environment} has stood on nothing yet: npx orrery pin ${environment} RELEASE`;
}

function moveLine({ ordinal, entry }: Move): string {
  const { pin: moved, kind } = entry.event;
  const place = `${shortDigest(moved.release)} ${shortDigest(moved.binding)}`;
  return `${String(ordinal).padStart(4)}  ${entry.at.slice(0, 19)}  ${kind.padEnd(8)}  ${place}  ${entry.actor}: ${entry.reason}`;
}
