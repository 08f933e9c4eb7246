/** One resource as a program asks for it, before any cloud has seen it. */
export interface Resource {
  /** Pulumi's token, for example `aws:s3/bucket:Bucket`. */
  readonly type: string;
  /** The logical name, unique within its type. */
  readonly name: string;
  /** Name of the component above it; undefined for one that hangs off the stack. */
  readonly parent?: string | undefined;
  /**
   * What is asked for. A reference to another resource is a text that holds that resource's name, as physical names and rendered
   * symbols do; a secret is an opaque text.
   */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  /** Names of the providers that it was given explicitly; undefined where nobody has told. */
  readonly providers?: readonly string[];
  /** True for what a remote component makes of itself: its inputs are not ours to choose. */
  readonly expanded?: boolean;
}

/** Everything that an environment asks for. The only thing that a rule sees: no cloud, no file, no clock. */
export interface Graph {
  readonly resources: readonly Resource[];
}

/** A value and where in a resource's inputs it stands, for example `ingress[0].cidrBlocks[1]`. */
export interface LocatedValue {
  readonly property: string;
  readonly value: unknown;
}

/**
 * Every value that a path such as `ingress[].cidrBlocks[]` leads to; a key that is missing leads nowhere. What stands in the place of
 * a list or an object (a secret, a symbol) is returned as the value, so that a rule refuses what it can't read.
 */
export function valuesAt(inputs: unknown, path: string): LocatedValue[] {
  return path
    .split('.')
    .reduce<LocatedValue[]>(
      (found, segment) => found.flatMap((one) => descend(one, segment)),
      [{ property: '', value: inputs }],
    );
}

/** The one value at a path without lists; undefined when it is missing. */
export function valueAt(inputs: unknown, path: string): unknown {
  return valuesAt(inputs, path)[0]?.value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The resource whose name a reference holds: the longest, so that `redis-state` is not taken for `redis`. */
export function referredTo(candidates: readonly Resource[], reference: unknown): Resource | undefined {
  if (typeof reference !== 'string') return undefined;
  return candidates
    .filter(({ name }) => reference.includes(name))
    .toSorted((left, right) => right.name.length - left.name.length)[0];
}

/** Those of `parts` that refer to `whole` at a property, and to none of the other candidates. */
export function partsOf(
  whole: Resource,
  { parts, property, wholes }: { parts: readonly Resource[]; property: string; wholes: readonly Resource[] },
): Resource[] {
  return parts.filter((part) => referredTo(wholes, valueAt(part.inputs, property)) === whole);
}

export function ofType({ resources }: Graph, ...types: readonly string[]): Resource[] {
  return resources.filter(({ type }) => types.includes(type));
}

/** Of a provider's settings or a policy: texts of JSON; undefined for what is no JSON. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** A list as it is, one value as a list of one, nothing as an empty list. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined ? [] : [value];
}

function descend(from: LocatedValue, segment: string): LocatedValue[] {
  if (!isRecord(from.value)) return [from];
  const key = segment.replace('[]', '');
  const value = from.value[key];
  const property = from.property === '' ? key : `${from.property}.${key}`;
  if (value === undefined) return [];
  if (!segment.endsWith('[]') || !Array.isArray(value)) return [{ property, value }];
  return value.map((item: unknown, index) => ({ property: `${property}[${index}]`, value: item }));
}
