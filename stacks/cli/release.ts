import { shortDigest, type Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from '../errors.ts';
import { verifyClosure } from '../release/closure.ts';
import { createRelease, rebuildRelease } from '../release/create.ts';
import { resolveCommit, uncommittedPaths } from '../release/git.ts';
import { knownEnvironments } from '../change/naming.ts';
import { pinMissing, readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import { checkReleases, listReleases, readRelease, type RecordedRelease } from '../release/records.ts';
import { openStore } from '../release/store.ts';
import { assertEnvironment } from './environment-name.ts';
import { tellError, type Told } from './fault.ts';
import { table } from './table.ts';
import { textOption, type Verb } from './verb.ts';

const pathsShownMax = 5;

export const releaseCreate: Verb = {
  name: 'release create',
  summary: 'make the release of a commit: bundles, synthetic versions, manifest',
  wordsMax: 0,
  usage: '[--commit REV] [--live ENV] [--reason TEXT] [--local]',
  help: `Computes the release of HEAD (or of --commit) in an export of exactly that commit and records it under
stacks/records/releases/, for you to commit. The same commit gives the same digest on any machine.
  --live ENV   carry over the pairs that are live in ENV (npx orrery release create --live local)
  --local      record it as machine state under .orrery instead of in git
A dirty working tree is refused, since what you see would not be what is released: commit, or name --commit HEAD.`,
  options: {
    commit: { type: 'string' },
    live: { type: 'string' },
    reason: { type: 'string' },
    local: { type: 'boolean' },
  },
  async run(context, { values }) {
    const { places } = context;
    const named = textOption(values, 'commit');
    if (named === undefined) assertClean(places);
    const live = textOption(values, 'live');
    const recorded = await createRelease({
      places,
      environment: values['local'] === true ? 'local' : 'git',
      commit: resolveCommit(places.root, named ?? 'HEAD'),
      live: live === undefined ? {} : livePairsOf(places, live),
      actor: context.actor,
      reason: textOption(values, 'reason') ?? 'made by hand',
      at: context.now().toISOString(),
      progress: context.progress,
    });
    return { json: viewOf(recorded), text: describe(recorded) };
  },
};

export const releaseList: Verb = {
  name: 'release list',
  summary: 'list every recorded release',
  wordsMax: 0,
  usage: '',
  help: `Oldest first, each with the environments that stand on it. Every record is checked against its digest while listing;
npx orrery release verify --all names every one that is wrong.`,
  async run({ places }) {
    const pinned = knownEnvironments(places).map((name) => [name, readPin(places, name)?.release] as const);
    const standing = (digest: Digest) => pinned.flatMap(([name, release]) => (release === digest ? [name] : []));
    const releases = listReleases(places);
    const rows = releases.map((one) => [
      shortDigest(one.digest),
      one.provenance.commit.slice(0, 12),
      one.provenance.createdAt.slice(0, 19).replace('T', ' '),
      Object.keys(one.release.live).join(', ') || '-',
      standing(one.digest).join(', ') || '-',
      one.provenance.reason,
    ]);
    const text =
      releases.length === 0
        ? 'no release yet: npx orrery release create'
        : table(['release', 'commit', 'made', 'live', 'pinned', 'why'], rows);
    return { json: releases.map((one) => ({ ...viewOf(one), pinned: standing(one.digest) })), text };
  },
};

export const releaseShow: Verb = {
  name: 'release show',
  summary: "show a release: every service's synthetic version, the live pairs, the toolchain",
  wordsMax: 1,
  usage: 'RELEASE',
  help: 'RELEASE is a digest or the beginning of one. --json prints the whole manifest with its provenance.',
  async run({ places }, { words }) {
    const recorded = readRelease(places, required(words, 'RELEASE', 'release show'));
    return { json: { ...viewOf(recorded), manifest: recorded.release }, text: describe(recorded) };
  },
};

export const releaseVerify: Verb = {
  name: 'release verify',
  summary: 'check a release: its manifest, and to the last byte all that it names',
  wordsMax: 1,
  usage: 'RELEASE [--closure] [--rebuild] | --all [--closure] [--rebuild]',
  help: `Recomputes the digest of the manifest and compares it with its name. Exit code 3, and what is wrong, when something differs.
  --closure   read every object that it names, too: bundles, images, definitions, schemas, live pairs
  --rebuild   make it again from the commit that made it, and compare; brings back what the store lacks, admitted only when
              it hashes to what the release says
  --all       every recorded release`,
  options: { closure: { type: 'boolean' }, rebuild: { type: 'boolean' }, all: { type: 'boolean' } },
  async run({ places, progress }, { words, values }) {
    const all = values['all'] === true;
    const chosen = all
      ? checkReleases(places)
      : [{ name: '', found: readRelease(places, required(words, 'RELEASE', 'release verify')) }];
    const depth = values['rebuild'] === true ? 'rebuild' : values['closure'] === true ? 'closure' : 'manifest';
    const verdicts: ReleaseVerdict[] = [];
    for (const { name, found } of chosen)
      verdicts.push(
        found instanceof CommandError
          ? unreadable(name, tellError(found, places.root))
          : await verifyRelease(places, found, depth, progress),
      );
    const whole = verdicts.every((verdict) => verdict.whole);
    const sum = `${verdicts.length} releases, ${whole ? 'all as recorded' : 'not all as recorded'}`;
    const lines = verdicts.map(describeVerdict);
    return {
      json: all ? verdicts : verdicts[0],
      text: [...lines, ...(all ? [sum] : [])].join('\n'),
      exitCode: whole ? 0 : 3,
    };
  },
};

type Depth = 'manifest' | 'closure' | 'rebuild';

interface ReleaseVerdict {
  /** Its digest; the name of its folder where the record can't be read. */
  readonly release: string;
  readonly checked: Depth;
  readonly whole: boolean;
  readonly faults: readonly { readonly what: string; readonly reason: string }[];
}

/** The manifest was checked when the release was read. */
async function verifyRelease(
  places: Places,
  recorded: RecordedRelease,
  depth: Depth,
  progress: (line: string) => void,
): Promise<ReleaseVerdict> {
  const verdict = (faults: ReleaseVerdict['faults']): ReleaseVerdict => ({
    release: recorded.digest,
    checked: depth,
    whole: faults.length === 0,
    faults,
  });
  if (depth === 'manifest') return verdict([]);
  if (depth === 'closure') return verdict(await verifyClosure(openStore(places), recorded.release));
  try {
    await rebuildRelease(places, recorded, progress);
    return verdict([]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return verdict([{ what: error.code, reason: error.message }]);
  }
}

function unreadable(name: string, { code, message }: Told): ReleaseVerdict {
  return { release: name, checked: 'manifest', whole: false, faults: [{ what: code, reason: message }] };
}

function describeVerdict({ release, checked, whole, faults }: ReleaseVerdict): string {
  const good = { manifest: 'is what was recorded', closure: 'is whole', rebuild: 'rebuilds to the same, and is whole' };
  if (whole) return `${release} ${good[checked]}`;
  const lines = faults.map((fault) => `  ${fault.what}: ${fault.reason}`);
  const hint = checked === 'closure' ? ['bring back what is missing: add --rebuild'] : [];
  return [`${release} has ${faults.length} faults`, ...lines, ...hint].join('\n');
}

export function required(words: readonly string[], what: string, verb: string): string {
  const [word] = words;
  if (word !== undefined) return word;
  throw new CommandError({
    code: 'USAGE',
    message: `${what} is missing`,
    hint: `npx orrery ${verb} --help`,
    exitCode: 2,
  });
}

function assertClean(places: Places): void {
  const paths = uncommittedPaths(places.root);
  if (paths.length === 0) return;
  const shown = paths.slice(0, pathsShownMax).join(', ');
  const more = paths.length > pathsShownMax ? ` and ${paths.length - pathsShownMax} more` : '';
  throw new CommandError({
    code: 'TREE_DIRTY',
    message: `the working tree differs from HEAD: ${shown}${more}`,
    hint: 'commit it, or release HEAD without it: npx orrery release create --commit HEAD',
    exitCode: 3,
  });
}

function livePairsOf(places: Places, environment: string): Readonly<Record<string, Digest>> {
  const pin = readPin(places, assertEnvironment(places, environment));
  if (pin !== undefined) return readRelease(places, pin.release).release.live;
  throw pinMissing(environment, 'leave --live out, or pin that environment first');
}

function viewOf(recorded: RecordedRelease): object {
  const { digest, release, provenance } = recorded;
  const services = Object.entries(release.services).map(([name, { own, closure }]) => [name, { own, closure }]);
  return { release: digest, live: release.live, services: Object.fromEntries(services) as object, provenance };
}

function describe(recorded: RecordedRelease): string {
  const { digest, release, provenance } = recorded;
  const rows = Object.entries(release.services).map(([name, service]) => [
    name,
    shortDigest(service.own),
    shortDigest(service.closure),
  ]);
  const live = Object.entries(release.live).map(([model, pair]) => `${model} ${shortDigest(pair)}`);
  return [
    `release  ${digest}`,
    `commit   ${provenance.commit}`,
    `made     ${provenance.createdAt} by ${provenance.actor}: ${provenance.reason}`,
    `live     ${live.join(', ') || 'no pair'}`,
    `tools    ${toolsOf(release.toolchain)}`,
    '',
    table(['service', 'own', 'closure'], rows),
  ].join('\n');
}

function toolsOf({ node, python, engine, bundler, providers }: Release['toolchain']): string {
  const versions = Object.entries(providers).map(([name, { version }]) => `${name} ${version}`);
  return [`node ${node}`, `python ${python}`, `pulumi ${engine}`, `esbuild ${bundler}`, ...versions].join(', ');
}
