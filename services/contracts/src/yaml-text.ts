import { Composer, isAlias, isMap, isScalar, isSeq, Lexer, Parser, type CST, type Document, type Node } from 'yaml';
import { documentBounds } from './document-soundness.ts';
import type { DocumentPath } from './json-text.ts';
import { problemsMax } from './schema-problems.ts';

/** What is wrong at an offset of a text. */
export interface OffsetProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** Names of anchors with what they stand for; one for all pieces of a text. */
export type Anchors = Map<string, unknown>;

export type Report = (problem: OffsetProblem) => void;

/** A longer piece is not read: its tree would take gigabytes. */
export const pieceCharactersMax = 2 * 1024 * 1024;
/** A tree takes some hundred bytes for each of them. */
const lexemesMax = 800_000;
const mend = 'mend the YAML here: indentation, quotes or a doubled key';

/** The tree of one document, or nothing where it was refused. Offsets that are reported count from the start of the text. */
export function composeYaml(text: string, report: Report): Document | undefined {
  if (text.length > pieceCharactersMax) {
    const message = `a single value of ${text.length} characters stands here; the most is ${pieceCharactersMax}`;
    report({
      offset: 0,
      message,
      hint: 'write a long list with a dash a line, its items at one column, or write JSON',
    });
    return undefined;
  }
  const tokens = parseTokens(text, report);
  if (tokens === undefined) return undefined;
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, resolveKnownTags: false, logLevel: 'error' });
  let wrong = 0;
  // A text can have an error for every character. Each would be an Error with a stack: only the first are worth making.
  const onError = (source: unknown, _code: string, message: string) => {
    wrong += 1;
    if (wrong <= problemsMax) report({ offset: offsetOfSource(source), message: firstLine(message), hint: mend });
  };
  Object.assign(composer, { onError });
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (second !== undefined && wrong === 0) {
    const hint = 'put each definition into a file of its own';
    report({ offset: second.range[0], message: 'a second document begins here', hint });
    return undefined;
  }
  return wrong > 0 ? undefined : document;
}

/** The tokens of a text that is neither too deep nor too dense. The parser keeps a stack of its own: no depth overflows it. */
function parseTokens(text: string, report: Report): CST.Token[] | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(text)) {
    lexemes += 1;
    if (lexemes > lexemesMax) {
      const message = `more than ${lexemesMax} words and signs stand here in one value`;
      report({ offset: parser.offset, message, hint: 'write a long list with a dash a line, or write JSON' });
      return undefined;
    }
    for (const token of parser.next(lexeme)) tokens.push(token);
    // A document and a scalar are on the stack beside what nests.
    if (parser.stack.length <= documentBounds.depthMax + 2) continue;
    const message = `deeper than ${documentBounds.depthMax} levels`;
    report({ offset: parser.offset, message, hint: 'take levels out' });
    return undefined;
  }
  for (const token of parser.end()) tokens.push(token);
  const directive = tokens.find((token) => token.type === 'directive');
  if (directive === undefined) return tokens;
  const message = `the directive "${firstLine(directive.source).slice(0, 80)}" has no meaning here`;
  report({ offset: directive.offset, message, hint: 'delete the line: definitions are YAML 1.2' });
  return undefined;
}

/** The plain value of a tree. What YAML knows and JSON does not is reported; the value is of use only when nothing was. */
export function valueOf(node: unknown, anchors: Anchors, report: Report): unknown {
  if (node === null || node === undefined) return null;
  if (isAlias(node)) {
    if (anchors.has(node.source)) return anchors.get(node.source);
    const message = `the alias *${node.source.slice(0, 80)} has no anchor that ends before it`;
    report({ offset: startOf(node), message, hint: 'write &name before the first place, *name at the later ones' });
    return null;
  }
  const value = plainOf(node, anchors, report);
  const anchor = (node as { anchor?: string }).anchor;
  if (anchor !== undefined) anchors.set(anchor, value);
  return value;
}

function plainOf(node: unknown, anchors: Anchors, report: Report): unknown {
  if (isScalar(node)) return node.value;
  if (isSeq(node)) return node.items.map((item) => valueOf(item, anchors, report));
  const held: Record<string, unknown> = {};
  if (!isMap(node)) return held;
  for (const pair of node.items) {
    const key = keyOf(pair.key, report);
    if (key === undefined) continue;
    if (Object.hasOwn(held, key)) {
      const message = `the key "${key.slice(0, 80)}" stands here a second time`;
      report({ offset: startOf(pair.key), message, hint: 'delete one of the two' });
    }
    // An assignment to __proto__ would change the object instead of filling it.
    const property = {
      value: valueOf(pair.value, anchors, report),
      enumerable: true,
      writable: true,
      configurable: true,
    };
    Object.defineProperty(held, key, property);
  }
  return held;
}

function keyOf(key: unknown, report: Report): string | undefined {
  if (isScalar(key) && typeof key.value === 'string') return key.value;
  const shown = isScalar(key) ? `the key ${String(key.value).slice(0, 80)} is no text` : 'this key is no text';
  report({ offset: startOf(key), message: shown, hint: 'put the key in quotes' });
  return undefined;
}

/** The offset of the key or item that a path ends in, or of the nearest parent that exists; and how much of it exists. */
export function findInTree(root: unknown, path: DocumentPath): { readonly offset: number; readonly depth: number } {
  let node = root;
  let offset = startOf(node);
  for (const [depth, part] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
      if (pair === undefined) return { offset, depth };
      offset = startOf(pair.key) || offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number' && part < node.items.length) {
      node = node.items[part];
      offset = startOf(node) || offset;
    } else {
      return { offset, depth };
    }
  }
  return { offset, depth: path.length };
}

export function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}

function offsetOfSource(source: unknown): number {
  if (typeof source === 'number') return source;
  if (Array.isArray(source)) return Number(source[0]);
  return (source as { readonly offset: number }).offset;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? 'the YAML is broken';
}
