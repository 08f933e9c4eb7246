import type { GraphResource } from '#stacks/render/graph.ts';
import { nameOfUrn } from '#stacks/render/symbols.ts';
import { identifierOf } from '#test/engine/standin/aws-outputs.ts';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

type Values = Readonly<Record<string, unknown>>;

/** What the resources of a graph are called once they stand, by their names in the program. */
interface Owners {
  readonly names: ReadonlyMap<string, string>;
  readonly identifiers: ReadonlyMap<string, string>;
}

const symbol = /(?<!\$)\$\{"?([^}"]+?)"?\.([^}]+)\}/g;

/** What stands for an output of AWS, by the end of its path: the form counts, nobody looks it up. */
const plausible: readonly (readonly [RegExp, (name: string) => string])[] = [
  [/(^|\.)(arn|[a-z]+Arn)$/, (name) => `arn:aws:iam::123456789012:role/${name}`],
  [/[sS]ecurityGroupId$/, () => 'sg-0123456789abcdef0'],
  [/[uU]rl$/, (name) => `https://${name}.example.internal`],
  [/[eE]ndpoint|[aA]ddress|[bB]rokers/, (name) => `${name}.example.internal`],
];

/**
 * The Kubernetes half of a render as objects for an API server: outputs are replaced by what they would be, secrets by their references'
 * text, names that a provider makes up by the program's own. Namespaces stand first. Helm releases are no objects and are left out.
 */
export function objectsOf(graph: readonly GraphResource[]): KubernetesObject[] {
  const resources = graph.filter(
    ({ type }) => type.startsWith('kubernetes:') && type !== 'kubernetes:helm.sh/v3:Release',
  );
  const names = new Map(resources.map((resource) => [resource.name, nameIn(resource.inputs) ?? resource.name]));
  const identifiers = graph.flatMap(({ name, type }) => {
    const identifier = identifierOf(type, name);
    return identifier === undefined ? [] : [[name, identifier] as const];
  });
  const known: Owners = { names, identifiers: new Map(identifiers) };
  const objects = resources.map(({ name, inputs }) => {
    const { metadata, ...rest } = fill(inputs, known) as Values;
    return { ...rest, metadata: { ...(metadata as object), name: names.get(name) } } as KubernetesObject;
  });
  return [...objects.filter(isNamespace), ...objects.filter((object) => !isNamespace(object))];
}

export function isNamespace({ kind }: KubernetesObject): boolean {
  return kind === 'Namespace';
}

/** A pod for each template, so that admission judges what a controller would ask for later. */
export function podsOf(objects: readonly KubernetesObject[]): KubernetesObject[] {
  return objects.flatMap(({ kind, metadata, spec }) => {
    if (!['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'].includes(kind)) return [];
    const job = kind === 'CronJob' ? (spec?.['jobTemplate'] as KubernetesObject).spec : spec;
    const template = job?.['template'] as { metadata?: Values; spec: Values };
    const { name, namespace } = metadata;
    // Only pods of jobs may end; the others get their policy from the controller's defaults.
    return [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name, ...(namespace === undefined ? {} : { namespace }) },
        spec: template.spec,
      },
    ];
  });
}

export function titleOf({ kind, metadata: { name, namespace } }: KubernetesObject): string {
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function nameIn(inputs: Values): string | undefined {
  const { name } = (inputs['metadata'] ?? {}) as Values;
  return typeof name === 'string' && !name.includes('${') ? name : undefined;
}

function fill(value: unknown, owners: Owners): unknown {
  if (typeof value === 'string') return fillText(value, owners);
  if (Array.isArray(value)) return value.map((item) => fill(item, owners));
  if (typeof value !== 'object' || value === null) return value;
  if ('$secret' in value) return fill(value.$secret, owners);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, owners)]));
}

function fillText(text: string, owners: Owners): string {
  const filled = text.replace(symbol, (_, owner: string, path: string) => {
    const name = owner.startsWith('urn:') ? nameOfUrn(owner) : (owner.split('::').at(-1) ?? owner);
    if (path === 'metadata.name') return owners.names.get(name) ?? name;
    if (path === 'id') return owners.identifiers.get(name) ?? name;
    const [, make] = plausible.find(([pattern]) => pattern.test(path)) ?? [undefined, () => name];
    return make(name);
  });
  return filled.replaceAll('$${', () => '${');
}
