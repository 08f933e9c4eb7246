/** A reference to an output of another resource in a rendered text: `${store-bucket.arn}`; `$${` is a literal `${`. */
export interface Reference {
  /** As written: a name, `type::name`, or a URN. */
  readonly owner: string;
  /** For example `arn` or `metadata.name`. */
  readonly path: string;
}

const symbol = /(?<dollars>\$+)\{(?<owner>"(?:[^"\\]|\\.)*"|[A-Za-z0-9_-]+)\.(?<path>[^}]*)\}/g;

export const secretKey = '$secret';

/** Every reference in a text, in its order. */
export function referencesIn(text: string): Reference[] {
  return [...text.matchAll(symbol)].flatMap(({ groups = {} }) => {
    const { dollars = '', owner = '', path = '' } = groups;
    if (dollars.length > 1) return [];
    return [{ owner: owner.startsWith('"') ? String(JSON.parse(owner)) : owner, path }];
  });
}

export function isSecret(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && secretKey in value && Object.keys(value).length === 1;
}

/** A secret as it may be shown: what it refers to. A text without references is one that should not be here, and is not told. */
export function hideSecret(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { [secretKey]: hideLeaves(value[secretKey]) };
}

function hideLeaves(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideLeaves);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hideLeaves(inner)]));
  }
  const references = typeof value === 'string' ? referencesIn(value) : [];
  return references.length === 0 ? '(hidden)' : references.map(({ owner, path }) => `\${${owner}.${path}}`).join(' ');
}
