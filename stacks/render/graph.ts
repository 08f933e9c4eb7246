import { canonicalJson } from '@orrery/contracts/digest';
import { CommandError, messageOf } from '../errors.ts';

/** One resource as the program asks for it, before any cloud has answered. */
export interface GraphResource {
  /** The engine's own form: `urn:pulumi:dev::orrery::A$B$C::name`. */
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** URN; null for the stack itself. */
  readonly parent: string | null;
  /** True for one that a provider makes, false for a component. */
  readonly custom: boolean;
  /**
   * What the program passes. An output of another resource stands as `${store-bucket.arn}`, a literal `${` as `$${`; a secret as
   * `{"$secret": text with symbols}`, an asset as `{"$asset": …}`, a resource passed whole as `{"$resource": URN}`.
   */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** URNs, sorted. */
  readonly dependencies: readonly string[];
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** Only what differs from Pulumi's default: protect, retainOnDelete, ignoreChanges, provider (a URN), version, aliases and so on. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Only on the stack: what it exports. */
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** On children that an expander made: the URN of the remote component that they stand for. */
  readonly expandedBy?: string;
}

/** A graph as it is digested and kept: canonical JSON, one resource a line, sorted by URN. */
export function writeGraph(resources: readonly GraphResource[]): string {
  const sorted = resources.toSorted((left, right) => (left.urn < right.urn ? -1 : 1));
  return sorted.map((resource) => `${canonicalJson(resource)}\n`).join('');
}

/** The resources of what `writeGraph` wrote. Throws `GRAPH_BROKEN`, naming the line. */
export function readGraph(text: string): GraphResource[] {
  const lines = text.split('\n');
  const last = lines.pop();
  if (last !== '') throw broken(lines.length + 1, 'its last line has no end');
  return lines.map((line, index) => readResource(line, index + 1));
}

function readResource(line: string, number: number): GraphResource {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw broken(number, messageOf(cause));
  }
  const resource = value as Partial<GraphResource> | null;
  if (typeof resource?.urn !== 'string' || typeof resource.type !== 'string' || typeof resource.inputs !== 'object') {
    throw broken(number, 'it is no resource');
  }
  return value as GraphResource;
}

function broken(line: number, reason: string): CommandError {
  return new CommandError({
    code: 'GRAPH_BROKEN',
    message: `line ${line} of a graph can't be read: ${reason}`,
    hint: 'a graph can always be made again: npx orrery render ENV',
  });
}
