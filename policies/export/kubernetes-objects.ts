import { stringify } from 'yaml';
import { isRecord, valueAt, type Graph, type Resource } from '../graph.ts';
import { Symbols } from './symbols.ts';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Components and releases of charts stand for objects that are not in the graph. */
const opaque = /^kubernetes:(helm\.sh|yaml|kustomize)\//;

/** The Kubernetes half of a graph as objects: with names, where Pulumi would make them, and without what only a cloud could tell. */
export function kubernetesObjects({ resources }: Graph): KubernetesObject[] {
  const symbols = new Symbols(resources);
  return resources
    .filter(({ type }) => type.startsWith('kubernetes:') && !opaque.test(type))
    .map((resource) => writeObject(resource, symbols));
}

/** As a stream of YAML documents. */
export function kubernetesYaml(graph: Graph): string {
  return kubernetesObjects(graph)
    .map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`)
    .join('');
}

function writeObject(resource: Resource, symbols: Symbols): KubernetesObject {
  const { apiVersion, kind, metadata, ...rest } = resource.inputs;
  const [group = '', version = '', type = ''] = /^kubernetes:(.*)\/([^:]+):(.+)$/.exec(resource.type)?.slice(1) ?? [];
  const written = isRecord(metadata) ? metadata : {};
  const { name = nameOf(resource), ...others } = written;
  return {
    apiVersion: typeof apiVersion === 'string' ? apiVersion : group === 'core' ? version : `${group}/${version}`,
    kind: typeof kind === 'string' ? kind : type,
    ...asWritten({ metadata: { name, ...others } }, symbols),
    ...asWritten(rest, symbols),
  } as KubernetesObject;
}

function nameOf({ name, inputs }: Resource): string {
  const given = valueAt(inputs, 'metadata.name');
  return typeof given === 'string' ? given : name;
}

function asWritten(value: object, symbols: Symbols): object {
  return write(value, symbols) as object;
}

function write(value: unknown, symbols: Symbols): unknown {
  if (typeof value === 'string') {
    return symbols.replace(value, ({ target, path }) =>
      path === 'metadata.name' || path === 'id' ? nameOf(target) : `${target.name}-${path.replaceAll(/[^\w.-]/g, '-')}`,
    );
  }
  if (Array.isArray(value)) return value.map((item: unknown) => write(item, symbols));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined && item !== null)
      .map(([key, item]) => [key, write(item, symbols)]),
  );
}
