import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { Binding, Render } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { createFolderStore } from '@orrery/kit/store';
import { renderLocal } from '../local/render.ts';
import { isLocal, storeFolder, type Places } from '../release/places.ts';
import type { RecordedRelease } from '../release/records.ts';
import { readGraph, writeGraph, type GraphResource } from './graph.ts';
import { provideInfrastructure, provideWorkingTree } from './infrastructure.ts';
import { renderInChild } from './render.ts';

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
  const { environment, binding, progress } = request;
  const { digest: releaseDigest, release } = request.release;
  const target: Target = { environment, release, releaseDigest, binding };
  if (isLocal(environment)) return keep(places, target, writeGraph(renderLocal(release, releaseDigest, binding)));
  const folder = await provideInfrastructure(places, request.release, progress);
  return renderFolder(places, target, folder);
}

/** Renders the composition and the renderer of the tree as it lies, bundled on the spot. */
export async function renderWorkingTree(places: Places, request: WorkingTreeRequest): Promise<Rendered> {
  const { environment, release, releaseDigest, binding } = request;
  const target: Target = { environment, release, releaseDigest, binding };
  if (isLocal(environment)) return keep(places, target, writeGraph(renderLocal(release, releaseDigest, binding)));
  const { folder } = await provideWorkingTree(places);
  return renderFolder(places, target, folder);
}

/** The graph of a render that was made on this machine before; undefined when the store does not have it. */
export async function readKeptGraph(places: Places, graph: Digest): Promise<GraphResource[] | undefined> {
  const store = createFolderStore(storeFolder(places));
  if (!(await store.has(graph))) return undefined;
  return readGraph((await store.get(graph)).toString('utf8'));
}

interface Target {
  readonly environment: string;
  readonly release: Release;
  readonly releaseDigest: Digest;
  readonly binding: Binding;
}

async function renderFolder(places: Places, target: Target, folder: string): Promise<Rendered> {
  const { environment, release, releaseDigest, binding } = target;
  const { text } = await renderInChild({ folder, environment, release, releaseDigest, settings: binding.settings });
  return keep(places, target, text);
}

async function keep(places: Places, target: Target, text: string): Promise<Rendered> {
  const graph = readGraph(text);
  await createFolderStore(storeFolder(places)).put(text);
  const render: Render = {
    schema: 1,
    environment: target.environment,
    release: target.releaseDigest,
    binding: digestOf('binding', target.binding),
    graph: digestOfBytes(text),
    resources: graph.length,
  };
  return { render, digest: digestOf('render', render), graph };
}
