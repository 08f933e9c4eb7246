import { shortDigest, type Digest } from '@orrery/contracts/digest';
import { createFolderStore } from '@orrery/kit/store';
import { CommandError } from '../errors.ts';
import { verifyClosure } from '../release/closure.ts';
import { createRelease, rebuildRelease } from '../release/create.ts';
import { resolveCommit, uncommittedPaths } from '../release/git.ts';
import { readPin } from '../promotion/pin.ts';
import { storeFolder, type Places } from '../release/places.ts';
import { listReleases, readRelease, type RecordedRelease } from '../release/records.ts';
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
  help: 'Oldest first; the one that local stands on is marked. Every record is checked against its digest while listing.',
  async run({ places }) {
    const pinned = readPin(places, 'local')?.release;
    const releases = listReleases(places);
    const rows = releases.map((one) => [
      shortDigest(one.digest),
      one.provenance.commit.slice(0, 12),
      one.provenance.createdAt.slice(0, 19).replace('T', ' '),
      Object.keys(one.release.live).join(', ') || '-',
      one.digest === pinned ? 'local' : '',
      one.provenance.reason,
    ]);
    const text =
      releases.length === 0
        ? 'no release yet: npx orrery release create'
        : table(['release', 'commit', 'made', 'live', 'pinned', 'why'], rows);
    return { json: releases.map(viewOf), text };
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
  summary: 'check a release to the last byte: manifest, bundles, definitions, live pairs',
  wordsMax: 1,
  usage: 'RELEASE [--rebuild]',
  help: `Recomputes the manifest's digest and reads every object that it names. Exit code 3 and the first wrong or missing
object of each part when something differs. --rebuild brings back missing bundles from the commit that made the release;
they are admitted only when they hash to what the release says.`,
  options: { rebuild: { type: 'boolean' } },
  async run({ places, progress }, { words, values }) {
    const recorded = readRelease(places, required(words, 'RELEASE', 'release verify'));
    const store = createFolderStore(storeFolder(places));
    let faults = await verifyClosure(store, recorded.release);
    if (faults.length > 0 && values['rebuild'] === true) {
      await rebuildRelease(places, recorded, progress);
      faults = [];
    }
    const lines = faults.map((fault) => `${fault.what}: ${fault.reason}`);
    const verdict =
      faults.length === 0 ? `${recorded.digest} is whole` : `${recorded.digest} has ${faults.length} faults`;
    const hint = faults.length === 0 ? [] : ['rebuild what is missing: add --rebuild'];
    return {
      json: { release: recorded.digest, whole: faults.length === 0, faults },
      text: [verdict, ...lines, ...hint].join('\n'),
      exitCode: faults.length === 0 ? 0 : 3,
    };
  },
};

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
  const pin = readPin(places, environment);
  if (pin !== undefined) return readRelease(places, pin.release).release.live;
  const hint = 'leave --live out, or pin that environment first';
  throw new CommandError({ code: 'PIN_MISSING', message: `${environment} has no pin`, hint, exitCode: 2 });
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
    '',
    table(['service', 'own', 'closure'], rows),
  ].join('\n');
}
