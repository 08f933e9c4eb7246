import { documentBounds, findUnsound } from './document-soundness.ts';
import { scanJson, type DocumentPath } from './json-text.ts';
import { problemsMax, type PathProblem } from './schema-problems.ts';
import { cutYaml, pieceCharacters, type YamlPiece } from './yaml-pieces.ts';
import { composeYaml, findInTree, pieceCharactersMax, startOf, valueOf } from './yaml-text.ts';
import type { Anchors, OffsetProblem, Report } from './yaml-text.ts';
import { isMap, isSeq, type Document } from 'yaml';

/** One thing wrong in a definition: where it stands, what is wrong, and the nearest thing that would be right. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

export type ReadResult<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: Problem[] };

/** A text that people or programs wrote, YAML or JSON; it may be hostile. Reading and locating never throw for what it holds. */
export class SourceText {
  readonly #text: string;
  readonly #file: string;

  constructor(text: string, file: string) {
    // Windows editors begin a file with this mark; it is no part of the document. Columns count without it, as editors do.
    this.#text = text.startsWith('\uFEFF') ? text.slice(1) : text;
    this.#file = file;
  }

  /** The plain value: strings, finite numbers, booleans, null, lists and objects, and nothing else. */
  read(): ReadResult<unknown> {
    const problems: OffsetProblem[] = [];
    const report: Report = (problem) => {
      if (problems.length < problemsMax) problems.push(problem);
    };
    const value = this.#readValue(report);
    if (problems.length > 0) return { ok: false, problems: this.#atOffsets(problems) };
    const unsound = findUnsound(value);
    return unsound === undefined ? { ok: true, value } : { ok: false, problems: this.locate([unsound]) };
  }

  /** The same problems with line and column. The text must have been read well but for them. */
  locate(problems: readonly PathProblem[]): Problem[] {
    const told = problems.slice(0, problemsMax);
    const paths = told.map(({ path }) => path);
    const offsets = parseJson(this.#text) === undefined ? this.#findInYaml(paths) : scanJson(this.#text, paths).offsets;
    return this.#atOffsets(told.map(({ message, hint }, index) => ({ offset: offsets[index] ?? 0, message, hint })));
  }

  #readValue(report: Report): unknown {
    const bytes = this.#text.length > documentBounds.textBytesMax ? this.#text.length : Buffer.byteLength(this.#text);
    if (bytes > documentBounds.textBytesMax) {
      const message = `the text has ${bytes} bytes; the most is ${documentBounds.textBytesMax}`;
      report({ offset: 0, message, hint: 'cut it in two, or start the parts from one another' });
      return undefined;
    }
    const json = parseJson(this.#text);
    if (json === undefined) {
      if (!isLongJson(this.#text)) return this.#readYaml(report);
      explainJson(this.#text, report);
      return undefined;
    }
    const { doubled } = scanJson(this.#text, []);
    if (doubled !== undefined) {
      const message = `the key "${doubled.key.slice(0, 80)}" stands here a second time`;
      report({ offset: doubled.offset, message, hint: 'delete one of the two' });
    }
    return json.value;
  }

  #readYaml(report: Report): unknown {
    const pieces = cutYaml(this.#text);
    const anchors: Anchors = new Map();
    const merged: Record<string, unknown> = {};
    const seen = { wrong: 0 };
    for (const piece of pieces) {
      const reportHere: Report = ({ offset, ...problem }) => {
        seen.wrong += 1;
        report({ offset: offset + piece.start, ...problem });
      };
      const document = this.#compose(piece, reportHere);
      const value = document === undefined ? undefined : valueOf(document.contents, anchors, reportHere);
      // What is broken in one piece makes no sense of the next.
      if (document === undefined || seen.wrong > 0) return undefined;
      if (pieces.length === 1) return value;
      mergePiece(merged, piece, { value, document, report: reportHere });
    }
    return merged;
  }

  #compose(piece: YamlPiece, report: Report): Document | undefined {
    return composeYaml(this.#text.slice(piece.start, piece.end), report);
  }

  /** Composes again what lies around each path; a text without problems never pays for it. */
  #findInYaml(paths: readonly DocumentPath[]): number[] {
    const best = paths.map(() => ({ offset: 0, depth: -1 }));
    for (const piece of cutYaml(this.#text)) {
      const here = [...paths.keys()].filter((index) => mayHold(piece, paths[index] ?? []));
      if (here.length === 0) continue;
      const root = this.#compose(piece, () => undefined)?.contents;
      // The piece that has most of the path has its nearest parent.
      for (const index of here) {
        const found = findInTree(root, pathWithin(piece, paths[index] ?? []));
        const depth = found.depth + (piece.items === undefined ? 0 : 1);
        if (depth > (best[index]?.depth ?? -1)) best[index] = { offset: found.offset + piece.start, depth };
      }
    }
    return best.map(({ offset }) => offset);
  }

  #atOffsets(problems: readonly OffsetProblem[]): Problem[] {
    const lines = linesOf(this.#text, problems);
    return problems.map(({ offset, message, hint }) => {
      const { line, start } = lines.get(offset) ?? { line: 1, start: 0 };
      return { file: this.#file, line, column: offset - start + 1, message, hint };
    });
  }
}

/** Line and start of line of each offset, in one pass over the text. */
function linesOf(text: string, problems: readonly OffsetProblem[]): Map<number, { line: number; start: number }> {
  const found = new Map<number, { line: number; start: number }>();
  const at = { line: 1, start: 0 };
  for (const offset of problems.map((problem) => problem.offset).sort((left, right) => left - right)) {
    for (let end = text.indexOf('\n', at.start); end !== -1 && end < offset; end = text.indexOf('\n', at.start)) {
      at.line += 1;
      at.start = end + 1;
    }
    found.set(offset, { ...at });
  }
  return found;
}

interface Part {
  readonly value: unknown;
  readonly document: Document;
  readonly report: Report;
}

function mergePiece(merged: Record<string, unknown>, { items }: YamlPiece, { value, document, report }: Part): void {
  const root = document.contents;
  if (items !== undefined) {
    if (!isSeq(root))
      report({ offset: 0, message: `this is no item of "${items.key}"`, hint: 'indent it as the others' });
    else if (items.first > 0) for (const item of value as unknown[]) (merged[items.key] as unknown[]).push(item);
    else addKey(merged, items.key, value, report);
    return;
  }
  if (!isMap(root)) {
    report({ offset: startOf(root), message: 'this belongs to no key', hint: 'indent it, or write "key: value"' });
    return;
  }
  for (const [key, held] of Object.entries(value as Record<string, unknown>)) {
    const { offset } = findInTree(root, [key]);
    addKey(merged, key, held, (problem) => {
      report({ ...problem, offset });
    });
  }
}

function addKey(merged: Record<string, unknown>, key: string, value: unknown, report: Report): void {
  if (Object.hasOwn(merged, key)) {
    const message = `the key "${key.slice(0, 80)}" stands here a second time`;
    report({ offset: 0, message, hint: 'delete one of the two' });
  }
  Object.defineProperty(merged, key, { value, enumerable: true, writable: true, configurable: true });
}

function mayHold({ items }: YamlPiece, path: DocumentPath): boolean {
  if (items === undefined) return true;
  const [key, index] = path;
  if (key !== items.key) return false;
  if (typeof index !== 'number') return items.first === 0;
  return index >= items.first && index < items.first + items.count;
}

function pathWithin({ items }: YamlPiece, path: DocumentPath): DocumentPath {
  if (items === undefined) return path;
  const [, index, ...rest] = path;
  return typeof index === 'number' ? [index - items.first, ...rest] : [];
}

/** A text that is JSON is read far faster as such. Undefined for what is none, or too dense for it. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*[{[]/.test(text) || (text.length > pieceCharacters && isDense(text))) return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** A text that was meant to be JSON and is too long to be read as YAML in braces. */
function isLongJson(text: string): boolean {
  return text.length > pieceCharactersMax && /^\s*[{[]/.test(text);
}

function explainJson(text: string, report: Report): void {
  if (isDense(text)) {
    const message = `the text holds more than ${documentBounds.valuesMax} values`;
    report({ offset: 0, message, hint: 'cut it in two, or start the parts from one another' });
    return;
  }
  try {
    JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    // A reason without a position is that the text ends too early.
    const offset = Number(/at position (\d+)/.exec(reason)?.[1] ?? text.length);
    report({ offset, message: `the JSON is broken: ${reason.slice(0, 200)}`, hint: 'mend the JSON here' });
  }
}

/** Whether a text may hold more values than a document can. */
function isDense(text: string): boolean {
  let signs = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    // A comma, [ or { begins a value.
    if (code === 0x2c || code === 0x5b || code === 0x7b) signs += 1;
  }
  return signs > documentBounds.valuesMax;
}
