import type { Release } from '@orrery/contracts/release';
import { graphLevels, type Change, type LeftOut, type Level } from '../change/change.ts';
import { compare } from '../change/compare.ts';
import { gatherEvidence } from '../change/evidence.ts';
import {
  assembleWorkingTree,
  bindingFor,
  freezeFile,
  loadEnvironment,
  loadRelease,
  loadWorkingTree,
  type Loaded,
  type Progress,
} from '../change/load.ts';
import { readLevels, resolveName, type Named } from '../change/naming.ts';
import type { Side } from '../change/side.ts';
import { CommandError } from '../errors.ts';
import { pinMissing, readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import { formatChanges, outputOptions } from './change-output.ts';
import { assertEnvironment } from './environment-name.ts';
import { required } from './release.ts';
import { textOption, type Verb } from './verb.ts';

/** Releases that are compared with each other are rendered as they would be here. */
const defaultEnvironment = 'prod';

export const diff: Verb = {
  name: 'diff',
  summary: 'compare any two: environments, releases, the working tree',
  wordsMax: 2,
  usage: 'A B [--level LEVEL]... [--on ENV] [--plain | --markdown] [--exit-code]',
  help: `A and B are each an environment (as it is pinned), a release (the beginning of its digest) or working-tree.
Levels: service, config, definition, model, resource, policy, cost, schema, toolchain; several by comma or by several --level.
resource, policy and cost need both sides rendered: an environment in its own settings, a release in those of --on ENV
(default: those of the environment on the other side, or prod). Nothing is asked of a cloud.
--exit-code ends with 1 when there is a difference. Example: npx orrery diff prod working-tree --level service,schema`,
  options: {
    level: { type: 'string', multiple: true },
    on: { type: 'string' },
    'exit-code': { type: 'boolean' },
    ...outputOptions,
  },
  async run({ places, progress }, { words, values }) {
    const [from, to] = [required(words, 'A', 'diff'), required(words.slice(1), 'B', 'diff')];
    const levels = readLevels(Array.isArray(values['level']) ? values['level'].map(String) : []);
    const on = textOption(values, 'on');
    const change = await compareNamed(places, { names: [from, to], levels, on, progress });
    const differs = change.verdict.level !== 'no change';
    return {
      json: change,
      text: formatChanges([change], values, `npx orrery diff ${from} ${to}${on === undefined ? '' : ` --on ${on}`}`),
      exitCode: differs && values['exit-code'] === true ? 1 : 0,
    };
  },
};

interface Request {
  readonly names: readonly [string, string];
  readonly levels: readonly Level[];
  readonly on: string | undefined;
  readonly progress: Progress;
}

async function compareNamed(places: Places, { names, levels, on, progress }: Request): Promise<Change> {
  const named = names.map((name) => resolveName(places, name));
  const [from, to] = named;
  if (from === undefined || to === undefined) throw new TypeError('two names are required');
  const environments = named.flatMap((one) => (one.kind === 'environment' ? [one.name] : []));
  const environment = chooseEnvironment(places, environments, on);
  const [base, head] = await loadBoth(places, [from, to], { environment, progress });
  const wantsGraphs = levels.some((level) => graphLevels.includes(level));
  const rendered = wantsGraphs
    ? await renderBoth([base, head], { asked: levels, strict: on !== undefined || environments.length > 0, progress })
    : { sides: [base.side, head.side] as const, leftOut: [] };
  const [before, after] = rendered.sides;
  const evidence = await gatherEvidence(
    places,
    { base: before, head: after },
    { base: base.origin, head: head.origin },
  );
  return compare(before, after, {
    environment: environments.length === 2 && environments[0] !== environments[1] ? null : (environment ?? null),
    environments: environments.length === 2 && environments[0] !== environments[1],
    levels,
    leftOut: rendered.leftOut,
    ...evidence,
  });
}

/** In whose settings a release is rendered. */
function chooseEnvironment(
  places: Places,
  environments: readonly string[],
  on: string | undefined,
): string | undefined {
  if (on === undefined) return environments[0] ?? defaultEnvironment;
  const own = environments.find((name) => name !== on);
  if (own === undefined) return assertEnvironment(places, on);
  throw new CommandError({
    code: 'USAGE',
    message: `--on ${on} says in whose settings a release is rendered, and ${own} has its own`,
    hint: `leave --on out, or name the release that ${own} stands on: npx orrery status, or stacks/pins/${own}.json`,
    exitCode: 2,
  });
}

interface Surroundings {
  readonly environment: string | undefined;
  readonly progress: Progress;
}

async function loadBoth(
  places: Places,
  [from, to]: readonly [Named, Named],
  { environment, progress }: Surroundings,
): Promise<[Loaded, Loaded]> {
  const binding = environment === undefined ? undefined : bindingFor(places, environment);
  const on = environment === undefined || binding === undefined ? undefined : { environment, binding };
  const recorded = [from, to].map((named) =>
    named.kind === 'working-tree' ? undefined : loadRecorded(places, named, on),
  );
  const [first, second] = recorded;
  if (first !== undefined && second !== undefined) return [first, second];
  // The working tree has no pairs of its own, and the settings of the file, as a pin would freeze them.
  const live: Release['live'] = (first ?? second)?.side.release.live ?? {};
  const frozen = on === undefined ? undefined : { ...on, binding: freezeFile(places, on.environment) };
  const tree = loadWorkingTree(places, await assembleWorkingTree(places, progress), { on: frozen, live });
  return [first ?? tree, second ?? tree];
}

function loadRecorded(
  places: Places,
  named: Exclude<Named, { kind: 'working-tree' }>,
  on: Parameters<typeof loadRelease>[2],
): Loaded {
  if (named.kind === 'release') return loadRelease(places, named.recorded, on);
  const pin = readPin(places, named.name);
  if (pin !== undefined) return loadEnvironment(places, named.name, pin);
  throw pinMissing(
    named.name,
    `pin it first (npx orrery pin ${named.name} RELEASE), or see what would be created: npx orrery preview ${named.name}`,
  );
}

interface Rendering {
  readonly asked: readonly Level[];
  /** True where somebody named the environment: then not rendering is an error. */
  readonly strict: boolean;
  readonly progress: Progress;
}

/** Both sides with their graphs, or neither, with the reason. Equal sides need none. */
async function renderBoth(
  [base, head]: readonly [Loaded, Loaded],
  { asked, strict, progress }: Rendering,
): Promise<{ sides: readonly [Side, Side]; leftOut: readonly LeftOut[] }> {
  const sides = [base.side, head.side] as const;
  const leaveOut = (reason: string) => ({
    sides,
    leftOut: asked.filter((level) => graphLevels.includes(level)).map((level) => ({ level, reason })),
  });
  if (base.side.binding === undefined || head.side.binding === undefined) {
    return leaveOut(
      `no environment to render for: there is no Pulumi.${defaultEnvironment}.yaml, name one by --on ENV`,
    );
  }
  if (isSame(base.side, head.side)) return { sides, leftOut: [] };
  try {
    return { sides: [await base.render(progress), await head.render(progress)], leftOut: [] };
  } catch (error) {
    if (strict || !(error instanceof CommandError)) throw error;
    return leaveOut(`not rendered for ${defaultEnvironment}: ${error.message}`);
  }
}

/** The same release in the same settings has the same render: what a digest is for. */
export function isSame(base: Side, head: Side): boolean {
  return base.digest === head.digest && base.binding?.digest === head.binding?.digest;
}
