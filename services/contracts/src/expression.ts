/** `${{ parameters.day }}`, `${{ steps.train.result.outputs["model.onnx"] }}`, `${{ run.day }}`: a value named by its path. */
export interface Reference {
  readonly root: 'parameters' | 'steps' | 'run';
  /** What follows the root: keys, and numbers for the items of a list. */
  readonly path: readonly (string | number)[];
  /** As it was written, without the braces. */
  readonly text: string;
}

export type TemplatePart = string | Reference;

export type Template =
  { readonly ok: true; readonly parts: readonly TemplatePart[] } | { readonly ok: false; readonly message: string };

export const expressionRoots = ['parameters', 'steps', 'run'] as const;

/** What `run` offers to expressions. */
export const runFields = ['id', 'tenant', 'time', 'day'] as const;

const opening = '${{';
const closing = '}}';
const segment = /^(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6})\]|\["([^"\\]{1,200})"\])/;

/** Cuts a string into plain text and references. A string without `${{` is one part, itself. */
export function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = [];
  let rest = text;
  while (rest !== '') {
    const start = rest.indexOf(opening);
    if (start === -1) return { ok: true, parts: [...parts, rest] };
    if (start > 0) parts.push(rest.slice(0, start));
    const end = rest.indexOf(closing, start);
    if (end === -1) return { ok: false, message: `"${rest.slice(start)}" has no closing }}` };
    const reference = parseReference(rest.slice(start + opening.length, end).trim());
    if (typeof reference === 'string') return { ok: false, message: reference };
    parts.push(reference);
    rest = rest.slice(end + closing.length);
  }
  return { ok: true, parts };
}

/** Every reference in a value, however deep, with the path at which its string stands. */
export function* referencesIn(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<{ readonly path: readonly (string | number)[]; readonly found: Reference | string }> {
  if (typeof value === 'string') {
    const template = parseTemplate(value);
    const found = template.ok ? template.parts.filter((part) => typeof part !== 'string') : [template.message];
    for (const each of found) yield { path, found: each };
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* referencesIn(item, [...path, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) yield* referencesIn(item, [...path, key]);
  }
}

/** The reference, or what is wrong with it. */
function parseReference(text: string): Reference | string {
  const root = /^[A-Za-z]+/.exec(text)?.[0] ?? '';
  if (!isRoot(root)) return `"${text}" begins with "${root}"; an expression begins with ${expressionRoots.join(', ')}`;
  const path: (string | number)[] = [];
  let rest = text.slice(root.length);
  while (rest !== '') {
    const match = segment.exec(rest);
    if (match === null) return `"${text}" can't be read from "${rest}" on; a path is .key, ["key"] or [0]`;
    path.push(match[1] ?? match[3] ?? Number(match[2]));
    rest = rest.slice(match[0].length);
  }
  return { root, path, text };
}

function isRoot(word: string): word is Reference['root'] {
  return (expressionRoots as readonly string[]).includes(word);
}
