import type { Digest } from '@orrery/contracts/digest';
import type { Release, ReleasedService } from '@orrery/contracts/release';
import type { Change } from '#stacks/change/change.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { baseGraph } from './graph.ts';
import type { World } from './world.ts';

/** A change as somebody makes one, and what its preview must say. */
export interface ChangeCase {
  /** What was done. */
  readonly name: string;
  /** What is so before and after. */
  readonly always?: (release: Release) => void;
  /** What stands already beside the usual. */
  readonly from?: (graph: readonly GraphResource[]) => readonly GraphResource[];
  /** What differs of the release; its graph follows from it. */
  readonly release?: (release: Release, world: World) => void;
  readonly settings?: (settings: World['settings']) => void;
  /** What the program asks for otherwise. */
  readonly graph?: (graph: readonly GraphResource[]) => readonly GraphResource[];
  readonly staleBase?: string;
  readonly verdict: Change['verdict']['level'];
  /** The terminal's first lines: BASE and HEAD stand for the digests of the releases, # for any other. */
  readonly lines: readonly string[];
}

/** The world before a change. */
export function prepareCase(before: World, { always, from }: ChangeCase): World {
  const world = copyOf(before);
  always?.(world.release);
  const usual = baseGraph(world.release);
  return { ...world, graph: [...(from?.(usual) ?? usual)] };
}

/** The world after a change. */
export function applyCase(before: World, { always, from, release, settings, graph, staleBase }: ChangeCase): World {
  const world = copyOf(before);
  always?.(world.release);
  release?.(world.release, world);
  settings?.(world.settings);
  const usual = baseGraph(world.release);
  const rendered = from?.(usual) ?? usual;
  return {
    ...world,
    graph: [...(graph?.(rendered) ?? rendered)],
    ...(staleBase === undefined ? {} : { staleBase }),
  };
}

/** A copy of all but the store, which only grows. */
function copyOf({ objects, ...world }: World): World {
  return { ...structuredClone(world), objects };
}

export function serviceOf(release: Release, name: string): ReleasedService {
  const service = release.services[name];
  if (service === undefined) throw new Error(`there is no ${name}`);
  return service;
}

/** Everything that follows when something of a service changed. */
export function moveService(release: Release, name: string, digest: Digest): void {
  const service = serviceOf(release, name);
  service.own = digest;
  service.closure = digest;
  service.image.digest = digest;
}

type Fields = Readonly<Record<string, unknown>>;

/** The graph with another value at a path such as `spec.replicas` or `list.0.size`; undefined takes it away. */
export function withInput(
  graph: readonly GraphResource[],
  name: string,
  path: string,
  value: unknown,
): GraphResource[] {
  return changed(graph, name, (resource) => ({ ...resource, inputs: put(resource.inputs, path.split('.'), value) }));
}

export function withOption(
  graph: readonly GraphResource[],
  name: string,
  option: string,
  value: unknown,
): GraphResource[] {
  return changed(graph, name, (resource) => ({ ...resource, options: put(resource.options, [option], value) }));
}

export function without(graph: readonly GraphResource[], ...names: string[]): GraphResource[] {
  return graph.filter(({ name }) => !names.includes(name));
}

/** A resource under another name, with everything that refers to it. */
export function renamed(graph: readonly GraphResource[], from: string, to: string): GraphResource[] {
  const text = JSON.stringify(graph)
    .replaceAll(`::${from}"`, `::${to}"`)
    .replaceAll(`"name":"${from}"`, `"name":"${to}"`)
    .replaceAll(`\${${from}.`, `\${${to}.`);
  return JSON.parse(text) as GraphResource[];
}

function changed(
  graph: readonly GraphResource[],
  name: string,
  change: (resource: GraphResource) => GraphResource,
): GraphResource[] {
  if (!graph.some((resource) => resource.name === name)) throw new Error(`there is no ${name}`);
  return graph.map((resource) => (resource.name === name ? change(resource) : resource));
}

function put(fields: Fields, [key = '', ...rest]: readonly string[], value: unknown): Fields {
  const copy = structuredClone(fields) as Record<string, unknown>;
  if (rest.length > 0) copy[key] = putBelow(copy[key], rest, value);
  else if (value === undefined) Reflect.deleteProperty(copy, key);
  else copy[key] = value;
  return copy;
}

function putBelow(inner: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  if (!Array.isArray(inner)) return put((inner ?? {}) as Fields, [key, ...rest], value);
  const list: unknown[] = structuredClone(inner);
  list[Number(key)] = rest.length > 0 ? putBelow(list[Number(key)], rest, value) : value;
  return list;
}
