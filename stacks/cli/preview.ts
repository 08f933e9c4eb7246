import { levels, type Change } from '../change/change.ts';
import { compare } from '../change/compare.ts';
import { gatherEvidence, type Origin } from '../change/evidence.ts';
import {
  assembleWorkingTree,
  findStaleness,
  freezeFile,
  loadEnvironment,
  loadWorkingTree,
  type Assembled,
  type Progress,
} from '../change/load.ts';
import { sharedEnvironments } from '../change/naming.ts';
import { CommandError } from '../errors.ts';
import { readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import { formatChanges, outputOptions } from './change-output.ts';
import { isSame } from './diff.ts';
import { assertEnvironment } from './environment-name.ts';
import { textOption, type Verb } from './verb.ts';

const failures = ['blocked', 'review'] as const;
type Failure = (typeof failures)[number];

export const preview: Verb = {
  name: 'preview',
  summary: 'show what the working tree would change in environments',
  wordsMax: 16,
  usage: '[ENV...] [--plain | --markdown] [--fail-on blocked|review]',
  help: `Compares the working tree, in the settings of Pulumi.<ENV>.yaml, with what each ENV is pinned to: desired against desired,
without a cloud and without credentials. Without ENV: every environment that has a file, but local. One without a pin would be
created. Live pairs stay those of the pin. Exit code 3 when an environment is blocked; with --fail-on review also when one needs
review. --markdown is a comment for a pull request. Example: npx orrery preview prod`,
  options: { 'fail-on': { type: 'string' }, ...outputOptions },
  async run({ places, progress }, { words, values }) {
    const failOn = readFailure(textOption(values, 'fail-on') ?? 'blocked');
    const chosen = words.map((word) => assertEnvironment(places, word));
    const environments = chosen.length > 0 ? [...new Set(chosen)] : sharedEnvironments(places);
    const assembled = await assembleWorkingTree(places, progress);
    const changes: Change[] = [];
    for (const environment of environments)
      changes.push(await previewOne(places, { environment, assembled, progress }));
    return {
      json: { schema: 1, changes },
      text: formatChanges(changes, values, ['npx orrery preview', ...chosen].join(' ')),
      exitCode: changes.some((change) => fails(change, failOn)) ? 3 : 0,
    };
  },
};

interface Request {
  readonly environment: string;
  readonly assembled: Assembled;
  readonly progress: Progress;
}

async function previewOne(places: Places, { environment, assembled, progress }: Request): Promise<Change> {
  const pin = readPin(places, environment);
  const pinned = pin === undefined ? undefined : loadEnvironment(places, environment, pin);
  const tree = loadWorkingTree(places, assembled, {
    on: { environment, binding: freezeFile(places, environment) },
    live: pinned?.side.release.live ?? {},
  });
  const same = pinned !== undefined && isSame(pinned.side, tree.side);
  const base = same ? pinned.side : await pinned?.render(progress);
  // The same release in the same settings has the same render: what a digest is for.
  const head = same ? { ...tree.side, ...renderOf(pinned.side) } : await tree.render(progress);
  const nothing: Origin = { objects: new Map() };
  const origins = { base: pinned?.origin ?? nothing, head: tree.origin };
  const staleBase = pinned === undefined || same ? undefined : await findStaleness(places, pinned.origin);
  return compare(base, base === undefined ? { ...head, label: environment } : head, {
    environment,
    environments: false,
    levels,
    leftOut: [],
    ...(await gatherEvidence(places, { base, head }, origins)),
    ...(staleBase === undefined ? {} : { staleBase }),
  });
}

function renderOf({ render }: { readonly render?: `sha256:${string}` }) {
  return render === undefined ? {} : { render };
}

function readFailure(word: string): Failure {
  const failure = failures.find((one) => one === word);
  if (failure !== undefined) return failure;
  throw new CommandError({
    code: 'USAGE',
    message: `--fail-on ${word} is neither blocked nor review`,
    hint: 'blocked (the default) ends with 3 when an environment is blocked, review also when one needs review',
    exitCode: 2,
  });
}

function fails({ verdict }: Change, failOn: Failure): boolean {
  return verdict.level === 'blocked' || (failOn === 'review' && verdict.level === 'needs review');
}
