import { writeFileSync } from 'node:fs';
import { digestOf } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import { assembleWorkingTree } from '../change/load.ts';
import { CommandError, messageOf } from '../errors.ts';
import { readLocalBinding } from '../local/settings.ts';
import { pinMissing, readPin } from '../promotion/pin.ts';
import { withLivePairs } from '../release/create.ts';
import { isLocal } from '../release/places.ts';
import { readBinding, readRelease } from '../release/records.ts';
import type { CheckOutcome } from '../render/check.ts';
import { showDifference } from '../render/difference.ts';
import {
  checkEnvironment,
  renderEnvironment,
  renderWorkingTree,
  type EnvironmentRequest,
  type Rendered,
  type WorkingTreeRequest,
} from '../render/environment.ts';
import { writeGraph } from '../render/graph.ts';
import { assertRenderPinned } from '../render/pinned.ts';
import { assertEnvironment } from './environment-name.ts';
import { required } from './release.ts';
import { freezeSettings } from '../promotion/settings-file.ts';
import { table } from './table.ts';
import { textOption, type Verb, type VerbContext, type VerbResult } from './verb.ts';

const checksMax = 1000;

export const render: Verb = {
  name: 'render',
  summary: 'compute all the resources that an environment means, without a cloud',
  wordsMax: 1,
  usage: 'ENV [--release R | --working-tree] [--check N] [--graph] [--out FILE]',
  help: `Runs the Pulumi program of a release in a process without network, credentials and environment, and tells every resource
that it asks for. Without options: the release and the binding of ENV's pin; a render that is not the pinned one is told by
resource and property (exit code 3). --release R: another release with the same binding. --working-tree: this tree and
Pulumi.<ENV>.yaml as they lie here.
--check N renders N times more, each on another made-up machine (clock, random numbers, time zone, locale, user, folder,
environment, order of completion), and names what the program depends on where one differs (exit code 3).
--graph prints the graph, one resource a line; --out FILE writes it.
  npx orrery render prod --check 20`,
  options: {
    release: { type: 'string' },
    'working-tree': { type: 'boolean' },
    check: { type: 'string' },
    graph: { type: 'boolean' },
    out: { type: 'string' },
  },
  async run(context, { words, values }) {
    const environment = assertEnvironment(context.places, required(words, 'ENV', 'render'));
    const workingTree = values['working-tree'] === true;
    const reference = textOption(values, 'release');
    if (workingTree && reference !== undefined) throw usage('--release and --working-tree exclude each other');
    const count = readCount(textOption(values, 'check'));
    const out = textOption(values, 'out');
    if (count !== undefined && (out !== undefined || values['graph'] === true))
      throw usage('--check tells whether renders are equal, and no graph: leave --graph and --out out');
    const source = workingTree
      ? await workingTreeOf(context, environment)
      : pinnedSource(context, environment, reference);
    if (count !== undefined) return check(context, source, count);
    const rendered = await renderSource(context, source);
    if (source.pin !== undefined) await assertRenderPinned(context.places, source.pin, rendered);
    const text = writeGraph(rendered.graph);
    if (out !== undefined) writeGraphFile(out, text);
    return {
      json: describe(rendered, source),
      text: values['graph'] === true ? text.trimEnd() : show(rendered, source),
    };
  },
};

/** What is rendered; `pin` where the outcome must be the pinned one. */
interface Source {
  readonly request: EnvironmentRequest | WorkingTreeRequest;
  readonly pin: Pin | undefined;
}

function pinnedSource(context: VerbContext, environment: string, reference: string | undefined): Source {
  const { places, progress } = context;
  const pin = readPin(places, environment);
  if (pin === undefined && reference === undefined) throw unpinned(environment);
  const binding = pin === undefined ? freeze(context, environment) : readBinding(places, environment, pin.binding);
  const release = readRelease(places, reference ?? pin?.release ?? '');
  return { request: { environment, release, binding, progress }, pin: reference === undefined ? pin : undefined };
}

/** The tree as it lies, with the live pairs of what the environment stands on. */
async function workingTreeOf(context: VerbContext, environment: string): Promise<Source> {
  const { places, progress } = context;
  const pin = readPin(places, environment);
  const live = pin === undefined ? {} : readRelease(places, pin.release).release.live;
  const release = withLivePairs((await assembleWorkingTree(places, progress)).release, live);
  const releaseDigest = digestOf('release', release);
  return {
    request: { environment, release, releaseDigest, binding: freeze(context, environment), progress },
    pin: undefined,
  };
}

function freeze({ places }: VerbContext, environment: string): Binding {
  return isLocal(environment) ? readLocalBinding(places.root) : freezeSettings(places.root, environment);
}

function renderSource({ places }: VerbContext, { request }: Source): Promise<Rendered> {
  return 'releaseDigest' in request ? renderWorkingTree(places, request) : renderEnvironment(places, request);
}

async function check({ places, progress }: VerbContext, { request }: Source, count: number): Promise<VerbResult> {
  if (isLocal(request.environment))
    progress('local is a function of this process alone: repeated, on no other machine');
  const outcome = await checkEnvironment(places, request, count);
  return {
    json: { environment: request.environment, ...outcome },
    text: showCheck(request.environment, outcome),
    exitCode: outcome.equal === outcome.renders ? 0 : 3,
  };
}

function showCheck(
  environment: string,
  { renders, equal, differences, peakMemoryBytes, elapsedMs }: CheckOutcome,
): string {
  const slowest = (Math.max(...elapsedMs) / 1000).toFixed(1);
  const cost = `slowest ${slowest} s, at most ${Math.round(peakMemoryBytes / 2 ** 20)} MiB`;
  const verdict = equal === renders ? 'DETERMINISTIC' : 'NOT DETERMINISTIC';
  const lines = differences.map((one) => `  by ${one.cause}: ${showDifference(one)}`);
  return [`${environment}: ${verdict}  ${equal} of ${renders} renders equal (${cost})`, ...lines].join('\n');
}

function describe({ render: document, digest, graph }: Rendered, { pin }: Source): unknown {
  return { ...document, digest, pinned: pin === undefined ? null : pin.render === digest, types: countTypes(graph) };
}

function show({ render: document, digest, graph }: Rendered, { pin }: Source): string {
  const rows = Object.entries(countTypes(graph)).map(([type, count]) => [String(count), type]);
  const standing = pin === undefined ? '' : ', as pinned';
  return `${document.environment}: ${document.resources} resources, render ${digest}${standing}\n${table(['count', 'type'], rows)}`;
}

function countTypes(graph: Rendered['graph']): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of graph.map((resource) => resource.type).sort()) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

function writeGraphFile(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const message = `the graph can't be written: ${messageOf(cause)}`;
    throw new CommandError({
      code: 'OUT_UNWRITABLE',
      message,
      hint: 'name a file in a folder of yours: --out FILE',
      cause,
    });
  }
}

function readCount(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= checksMax) return count;
  throw usage(`--check ${text} is no count from 1 to ${checksMax}`);
}

function usage(message: string): CommandError {
  return new CommandError({ code: 'USAGE', message, hint: 'npx orrery render --help', exitCode: 2 });
}

function unpinned(environment: string): CommandError {
  return pinMissing(
    environment,
    `npx orrery pin ${environment} RELEASE; or look at the tree: npx orrery render ${environment} --working-tree`,
  );
}
