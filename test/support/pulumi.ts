import type { Output } from '@pulumi/pulumi';
import { expanders } from '#stacks/render/expanders/known.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { Recorder } from '#stacks/render/monitor.ts';
import type { Refusal } from '#stacks/render/refusal.ts';
import { awaitRegistrations, installMonitor, loadSdk } from '#stacks/render/sdk.ts';

/** One resource as the program asks for it; its inputs are those of a render: outputs as symbols, secrets as references. */
export interface RecordedResource {
  readonly type: string;
  readonly name: string;
  /** Name of the parent; undefined for one that hangs off the stack. */
  readonly parent: string | undefined;
  readonly inputs: Record<string, unknown>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Names of the providers that it was given explicitly, by package; empty for the engine's default. */
  readonly providers: readonly string[];
  /** Names of what it depends on, sorted; a component stands for its children. */
  readonly dependencies: readonly string[];
  /** True for one that a provider makes, false for a component of ours. */
  readonly custom: boolean;
}

export interface Recording<T> {
  readonly result: T;
  /** Sorted by name. */
  readonly resources: readonly RecordedResource[];
  /** Names of the components that registered their outputs. */
  readonly completed: ReadonlySet<string>;
  /** What an output of the program resolves to, in the symbols of a render. */
  readonly textOf: (output: Output<string>) => Promise<string>;
}

export interface RecordOptions {
  /** Default `dev`. */
  readonly stack?: string;
  /** Pulumi's configuration, `orrery:<key>` to text. Default empty. */
  readonly config?: Record<string, string>;
  /** Default false. */
  readonly preview?: boolean;
}

/**
 * Runs a Pulumi program without engine and cloud, by the recorder of the renderer but in this process and outside a stack, so that
 * a component can be tested alone and its refusals caught. What a provider makes of a remote component is left out.
 */
export async function record<T>(program: () => T | Promise<T>, options: RecordOptions = {}): Promise<Recording<T>> {
  const { stack = 'dev', config = {}, preview = false } = options;
  const sdk = loadSdk();
  const refusals: Refusal[] = [];
  const onRefusal = (refusal: Refusal) => void refusals.push(refusal);
  const recorder = new Recorder({ sdk, expanders, project: 'orrery', stack, onRefusal });
  installMonitor(sdk, recorder, { project: 'orrery', stack, preview, config });
  try {
    const result = await program();
    await awaitRegistrations(sdk);
    // A refused registration leaves no trace otherwise: whatever waits for it is never registered.
    if (refusals[0] !== undefined) throw refusals[0];
    const resources = recorder.resources().filter(({ expandedBy }) => expandedBy === undefined);
    return {
      result,
      resources: resources.map(describe).toSorted(byNameThenType),
      textOf: (output) => new Promise((resolve) => output.apply((text) => resolve(recorder.textOf(text)))),
      completed: new Set([...recorder.completed].map(nameOf)),
    };
  } finally {
    await awaitRegistrations(sdk);
    installMonitor(sdk, recorder, { project: 'orrery', stack });
  }
}

/** The only resource of a name. Throws, naming those of like name, when there is none. */
export function resourceNamed(recording: Pick<Recording<unknown>, 'resources'>, name: string): RecordedResource {
  const found = recording.resources.filter((resource) => resource.name === name);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const stem = name.split('-')[0] ?? name;
  const like = recording.resources
    .filter((resource) => resource.name.startsWith(stem))
    .map((resource) => resource.name);
  throw new Error(`${found.length} resources are named ${name}; near it: ${like.join(', ')}`);
}

export function resourcesOfType(recording: Pick<Recording<unknown>, 'resources'>, type: string): RecordedResource[] {
  return recording.resources.filter((resource) => resource.type === type);
}

/** `type name < parent`, one line a resource: the shape of a graph, for comparing with one that is written by hand. */
export function outline(recording: Pick<Recording<unknown>, 'resources'>): string[] {
  return recording.resources.map(
    ({ type, name, parent }) => `${type} ${name}${parent === undefined ? '' : ` < ${parent}`}`,
  );
}

function describe({ type, name, parent, custom, inputs, dependencies, options }: GraphResource): RecordedResource {
  const { protect, retainOnDelete, provider, providers } = options;
  const passed = Object.values((providers ?? {}) as Record<string, string>);
  return {
    type,
    name,
    parent: parent === null ? undefined : nameOf(parent),
    inputs: { ...inputs },
    protect: protect === true,
    retainOnDelete: retainOnDelete === true,
    providers: [...new Set([...(typeof provider === 'string' ? [provider] : []), ...passed])].map(nameOf),
    dependencies: [...new Set(dependencies.map(nameOf))].sort(),
    custom,
  };
}

function byNameThenType(left: RecordedResource, right: RecordedResource): number {
  const key = ({ name, type }: RecordedResource) => `${name} ${type}`;
  return key(left) < key(right) ? -1 : 1;
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}
