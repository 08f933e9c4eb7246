import { UnknownValueError, type PolicyResource, type ResourceValidationArgs } from '@pulumi/policy';
import type { Graph, Resource } from '../graph.ts';

/** Stands where the engine will know a value only once it has made something. */
const unknown = 'unknown until it is made';

/** Remote components: what they make is in the list too, and their own inputs some engines leave out. */
const remote = /^eks:index:/;

/** What a rule of one resource is shown before the engine makes it. */
export function resourceOf(args: ResourceValidationArgs): Resource {
  const { type, name, urn, opts, provider } = args;
  return {
    type,
    name,
    parent: opts.parent === undefined ? undefined : nameOfUrn(opts.parent),
    inputs: given(
      name,
      readable(args.props, () => `\${${unknown}}`),
    ),
    ...optionsOf(urn, opts.protect),
    ...(provider === undefined ? {} : { providers: [provider.name] }),
  };
}

/** What a rule of a whole graph is shown once the engine knows all of it. */
export function graphOf(resources: readonly PolicyResource[]): Graph {
  return { resources: resources.filter(({ type }) => !remote.test(type)).map(resourceInGraph) };
}

export function isRemote({ type }: { readonly type: string }): boolean {
  return remote.test(type);
}

/** The stack is the environment: `urn:pulumi:dev::orrery::…`. */
export function environmentOf(urn: string): string {
  return urn.split('::')[0]?.split(':').at(-1) ?? '';
}

/** Whether what was found stands on a value that nobody knows yet: then the next run judges it. */
export function isUndecided(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).includes(unknown);
}

function resourceInGraph(resource: PolicyResource): Resource {
  const { type, name, urn, opts, parent, provider, propertyDependencies } = resource;
  const symbols = (property: string) =>
    (propertyDependencies[property] ?? []).map((one) => `\${${one.name}.${unknown}}`).join('') || `\${${unknown}}`;
  return {
    type,
    name,
    parent: parent?.name,
    inputs: given(name, readable(resource.props, symbols)),
    ...optionsOf(urn, opts.protect),
    ...(provider === undefined ? {} : { providers: [provider.name] }),
  };
}

/** The engine tells a pack of `protect`, and of `retainOnDelete` nothing: that is judged where the graph is rendered. */
function optionsOf(urn: string, isProtected: boolean): Pick<Resource, 'protect' | 'retainOnDelete' | 'expanded'> {
  const chain = urn.split('::')[2] ?? '';
  return { protect: isProtected, retainOnDelete: true, expanded: /(^|\$)eks:index:.*\$/.test(chain) };
}

function nameOfUrn(urn: string): string {
  return urn.split('::').slice(3).join('::');
}

type Fields = Readonly<Record<string, unknown>>;

/** Without the names that a provider makes up: `arrivals-82ec169` for `arrivals`. */
function given(name: string, inputs: Fields): Fields {
  const isMadeUp = (value: unknown) =>
    typeof value === 'string' && value.startsWith(`${name}-`) && /^[0-9a-f]{7,8}$/.test(value.slice(name.length + 1));
  return Object.fromEntries(Object.entries(inputs).filter(([, value]) => !isMadeUp(value)));
}

/** A copy with a text for each value that is not known: reading one throws. */
function readable(props: Fields, symbols: (property: string) => string): Fields {
  return Object.fromEntries(Object.keys(props).map((key) => [key, read(() => props[key], symbols(key))] as const));
}

function read(value: () => unknown, symbol: string): unknown {
  try {
    const known = value();
    if (Array.isArray(known)) return Array.from(known.keys(), (index) => read(() => known[index] as unknown, symbol));
    if (typeof known !== 'object' || known === null) return known;
    return Object.fromEntries(
      Object.keys(known).map((key) => [key, read(() => Reflect.get(known, key) as unknown, symbol)]),
    );
  } catch (error) {
    if (error instanceof UnknownValueError) return symbol;
    throw error;
  }
}
