import { digestOf, digestOfBytes, writeDocument, type Digest } from '@orrery/contracts/digest';
import type { Binding, Render } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { renderLocal } from '../local/render.ts';
import { isLocal, type Places } from '../release/places.ts';
import type { RecordedRelease } from '../release/records.ts';
import { openStore } from '../release/store.ts';
import { checkRender, type CheckOutcome } from './check.ts';
import { readGraph, writeGraph, type GraphResource } from './graph.ts';
import { provideInfrastructure, provideWorkingTree } from './infrastructure.ts';
import type { Perturbation } from './protocol.ts';
import { renderInChild, type ChildAnswer } from './render.ts';

export interface Rendered {
  readonly render: Render;
  /** Of the render document: what a pin names. */
  readonly digest: Digest;
  readonly graph: readonly GraphResource[];
}

export interface EnvironmentRequest {
  readonly environment: string;
  readonly release: Pick<RecordedRelease, 'digest' | 'release' | 'provenance' | 'folder'>;
  readonly binding: Binding;
  readonly progress: (line: string) => void;
}

export interface WorkingTreeRequest {
  readonly environment: string;
  readonly release: Release;
  readonly releaseDigest: Digest;
  readonly binding: Binding;
  readonly progress: (line: string) => void;
}

/**
 * Renders a recorded release with a recorded binding, by the release's own renderer. Brings back the infrastructure from the
 * commit that made it when the store lacks it. The graph is kept in the store, where a later difference can be looked up.
 */
export async function renderEnvironment(places: Places, request: EnvironmentRequest): Promise<Rendered> {
  return renderAndKeep(places, await prepare(places, request));
}

/** Renders the composition and the renderer of the tree as it lies, bundled on the spot. */
export async function renderWorkingTree(places: Places, request: WorkingTreeRequest): Promise<Rendered> {
  return renderAndKeep(places, await prepare(places, request));
}

/** Checks that nothing but release and binding decides the graph: `count` renders on as many made-up machines. */
export async function checkEnvironment(
  places: Places,
  request: EnvironmentRequest | WorkingTreeRequest,
  count: number,
): Promise<CheckOutcome> {
  const { ask } = await prepare(places, request);
  return checkRender(ask, count, request.progress);
}

interface Target {
  readonly environment: string;
  readonly release: Release;
  readonly releaseDigest: Digest;
  readonly binding: Binding;
}

interface Prepared {
  readonly target: Target;
  readonly ask: (perturbation?: Perturbation) => Promise<ChildAnswer>;
}

async function prepare(places: Places, request: EnvironmentRequest | WorkingTreeRequest): Promise<Prepared> {
  const { environment, binding, progress } = request;
  const recorded = 'releaseDigest' in request ? undefined : request.release;
  const { release, digest: releaseDigest } =
    'releaseDigest' in request ? { release: request.release, digest: request.releaseDigest } : request.release;
  const target: Target = { environment, release, releaseDigest, binding };
  if (isLocal(environment)) return { target, ask: async () => renderHere(target) };
  const folder =
    recorded === undefined ? await provideWorkingTree(places) : await provideInfrastructure(places, recorded, progress);
  const { settings } = binding;
  const ask: Prepared['ask'] = (perturbation) =>
    renderInChild({ folder, environment, release, releaseDigest, settings, ...(perturbation && { perturbation }) });
  return { target, ask };
}

/** The local environment is a pure function of this process: there is no program to hold in a process of its own. */
function renderHere({ release, releaseDigest, binding }: Target): ChildAnswer {
  const startedMs = performance.now();
  const graph = renderLocal(release, releaseDigest, binding);
  return {
    text: writeGraph(graph),
    resources: graph.length,
    peakMemoryBytes: process.memoryUsage().rss,
    elapsedMs: performance.now() - startedMs,
  };
}

async function renderAndKeep(places: Places, { target, ask }: Prepared): Promise<Rendered> {
  const { text } = await ask();
  const graph = readGraph(text);
  const render: Render = {
    schema: 1,
    environment: target.environment,
    release: target.releaseDigest,
    binding: digestOf('binding', target.binding),
    graph: digestOfBytes(text),
    resources: graph.length,
  };
  const store = openStore(places);
  await store.put(text);
  await store.put(writeDocument('render', render));
  return { render, digest: digestOf('render', render), graph };
}
