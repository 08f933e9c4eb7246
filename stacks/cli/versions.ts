import { CommandError } from '../errors.ts';
import { currentHost } from '../setup/host.ts';
import { execute, lastErrorIn } from '../setup/execution.ts';
import { addonPublisher, enginePublisher, type AwsCommand } from '../versions/aws.ts';
import { chartPublisher } from '../versions/chart-repositories.ts';
import { entriesOf, readVersions, versionsFile, writeVersions } from '../versions/pinned-versions.ts';
import { imagePublisher } from '../versions/registries.ts';
import { verifyVersions, type Outcome } from '../versions/verify.ts';
import { table } from './table.ts';
import type { Verb } from './verb.ts';

const awsTimeoutMs = 60_000;

export const versionsList: Verb = {
  name: 'versions list',
  summary: "list every version of other people's software that the cloud stands on",
  wordsMax: 0,
  usage: '',
  help: `Lists what ${versionsFile} pins: addons, engines, charts, images and machine images, each with where it was seen.
"unverified" means that nobody has asked its publisher: prod's policy refuses to deploy on it. npx orrery versions verify asks.`,
  run: ({ places }) => {
    const entries = entriesOf(readVersions(places.root));
    const unverified = entries.filter(([, { verified }]) => !verified).length;
    const rows = entries.map(([{ group, name }, { version, verified, source }]) => [
      group,
      name,
      version,
      verified ? 'verified' : 'unverified',
      source,
    ]);
    return Promise.resolve({
      json: { schema: 1, unverified, versions: entries.map(([place, entry]) => ({ ...place, ...entry })) },
      text: `${table(['kind', 'name', 'version', 'state', 'seen'], rows)}\n\n${unverified} of ${entries.length} are unverified`,
    });
  },
};

export const versionsVerify: Verb = {
  name: 'versions verify',
  summary: 'ask the publishers of all pinned versions, and write down what they say',
  wordsMax: 0,
  usage: '',
  help: `Asks chart repositories and container registries over HTTPS, and AWS by its own command (aws, with credentials that may read), whether
each version of ${versionsFile} exists, and takes their digests. A version that is there is marked verified; one whose
digest differs from the pinned one, or that is not there, is told and left as it is (exit code 3); one whose publisher can't be
reached from here stays unverified (exit code 1 when that is so of any). Commit the file: the next release stands on it.`,
  async run({ places, now, progress }) {
    const versions = readVersions(places.root);
    const options = { fetch: globalThis.fetch };
    const publishers = [
      chartPublisher(options),
      imagePublisher(options),
      addonPublisher(runAws, versions.kubernetes),
      enginePublisher(runAws),
    ];
    progress(`asking the publishers of ${entriesOf(versions).length} versions`);
    const outcomes = await verifyVersions(versions, publishers, now().toISOString().slice(0, 10));
    const verified = outcomes.filter(({ state }) => state === 'verified');
    writeVersions(
      places.root,
      versions,
      verified.map(({ place, entry }) => [place, entry]),
    );
    return {
      json: { schema: 1, outcomes: outcomes.map(({ place, entry, ...rest }) => ({ ...place, ...entry, ...rest })) },
      text: show(outcomes),
      exitCode: exitCodeOf(outcomes),
    };
  },
};

const runAws: AwsCommand = async (words) => {
  const { code, output } = await execute('aws', words, { env: currentHost().env, timeoutMs: awsTimeoutMs });
  if (code === 0) return output;
  throw new CommandError({
    code: 'AWS_FAILED',
    message: `aws ${words.slice(0, 2).join(' ')}: ${lastErrorIn(output)}`,
    hint: 'install the aws command and give it credentials that may read',
  });
};

function show(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ place, entry, state, reason }) => [
    place.group,
    place.name,
    entry.version,
    state,
    reason === '' ? entry.source : reason,
  ]);
  const count = (state: Outcome['state']) => outcomes.filter((one) => one.state === state).length;
  const sum = `${count('verified')} verified, ${count('differs')} differ, ${count('wrong')} wrong, ${count('unasked')} could not be asked`;
  return `${table(['kind', 'name', 'version', 'state', 'seen, or why not'], rows)}\n\n${sum}`;
}

function exitCodeOf(outcomes: readonly Outcome[]): 0 | 1 | 3 {
  if (outcomes.some(({ state }) => state === 'differs' || state === 'wrong')) return 3;
  return outcomes.some(({ state }) => state === 'unasked') ? 1 : 0;
}
