import { closest } from 'fastest-levenshtein';

/** The words with which an expression may begin, and what each of them offers. */
export const expressionRoots = ['parameters', 'steps', 'run', 'item', 'index', 'event', 'needs'] as const;
export type ExpressionRoot = (typeof expressionRoots)[number];

/** `${{ parameters.day }}`, `${{ steps.train.result.outputs["model.onnx"] }}`, `${{ run.day }}`: a value named by its path. */
export interface Reference {
  readonly root: ExpressionRoot;
  /** What follows the root: keys, and numbers for the items of a list. */
  readonly path: readonly (string | number)[];
  /** As it was written, without the braces. */
  readonly text: string;
}

export type TemplatePart = string | Reference;

export type Template =
  { readonly ok: true; readonly parts: readonly TemplatePart[] } | { readonly ok: false; readonly message: string };

/** A reference, or what is wrong with it, and the path at which its string stands. */
export interface FoundReference {
  readonly path: readonly (string | number)[];
  readonly found: Reference | string;
}

/** What `run` offers to expressions. */
export const runFields = ['id', 'tenant', 'time', 'day'] as const;

/** Characters of one expression, and how many parts its path may have. */
export const expressionCharactersMax = 500;
export const expressionPartsMax = 32;

const opening = '${{';
const closing = '}}';
const segment = /^(?:\.([A-Za-z_][A-Za-z0-9_-]*)|\[(\d{1,6})\]|\["([^"\\]{1,200})"\])/;
const shownMax = 80;

/** Cuts a string into plain text and references. A string without `${{` is one part, itself. */
export function parseTemplate(text: string): Template {
  const parts: TemplatePart[] = [];
  let position = 0;
  while (position < text.length) {
    const start = text.indexOf(opening, position);
    if (start === -1) {
      parts.push(text.slice(position));
      break;
    }
    if (start > position) parts.push(text.slice(position, start));
    const end = text.indexOf(closing, start);
    if (end === -1) return { ok: false, message: `"${shown(text.slice(start))}" has no closing }}` };
    const reference = parseReference(text.slice(start + opening.length, end).trim());
    if (typeof reference === 'string') return { ok: false, message: reference };
    parts.push(reference);
    position = end + closing.length;
  }
  return { ok: true, parts };
}

/** Whether a string has an expression in it at all. */
export function hasExpression(text: string): boolean {
  return text.includes(opening);
}

/** A place of the walk below: its key and the place that holds it. */
interface Place {
  readonly value: unknown;
  readonly key: string | number | undefined;
  readonly holder: Place | undefined;
}

/**
 * Every reference in a value, however deep, with the path at which its string stands, in the order in which they are written.
 * A stack of its own: the value may be deeper than the calls of a program can be.
 */
export function* referencesIn(value: unknown, path: readonly (string | number)[] = []): Generator<FoundReference> {
  const open: Place[] = [{ value, key: undefined, holder: undefined }];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value: held } = place;
    if (typeof held === 'string') {
      if (hasExpression(held)) yield* foundIn(held, [...path, ...keysOf(place)]);
    } else if (Array.isArray(held)) {
      for (let index = held.length - 1; index >= 0; index -= 1)
        open.push({ value: held[index], key: index, holder: place });
    } else if (typeof held === 'object' && held !== null) {
      for (const [key, item] of Object.entries(held).reverse()) open.push({ value: item, key, holder: place });
    }
  }
}

function* foundIn(text: string, path: readonly (string | number)[]): Generator<FoundReference> {
  const template = parseTemplate(text);
  if (!template.ok) yield { path, found: template.message };
  else for (const part of template.parts) if (typeof part !== 'string') yield { path, found: part };
}

function keysOf(place: Place): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let at: Place | undefined = place; at?.key !== undefined; at = at.holder) keys.push(at.key);
  return keys.reverse();
}

/** The reference, or what is wrong with it. */
function parseReference(text: string): Reference | string {
  if (text.length > expressionCharactersMax) {
    return `"${shown(text)}" has ${text.length} characters; an expression has at most ${expressionCharactersMax}`;
  }
  const root = /^[A-Za-z]+/.exec(text)?.[0] ?? '';
  if (!isRoot(root)) {
    const nearest = root === '' ? '' : `; did you mean "${closest(root, [...expressionRoots])}"?`;
    return `"${shown(text)}" begins with "${shown(root)}"; an expression begins with ${expressionRoots.join(', ')}${nearest}`;
  }
  const path: (string | number)[] = [];
  let rest = text.slice(root.length);
  while (rest !== '') {
    const match = segment.exec(rest);
    if (match === null) {
      return `"${shown(text)}" can't be read from "${shown(rest)}" on; a path is .key, ["key"] or [0]`;
    }
    path.push(match[1] ?? match[3] ?? Number(match[2]));
    rest = rest.slice(match[0].length);
  }
  if (path.length <= expressionPartsMax) return { root, path, text };
  return `"${shown(text)}" has ${path.length} parts; a path has at most ${expressionPartsMax}`;
}

function shown(text: string): string {
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}

function isRoot(word: string): word is ExpressionRoot {
  return (expressionRoots as readonly string[]).includes(word);
}
