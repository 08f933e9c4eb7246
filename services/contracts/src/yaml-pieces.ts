/** A stretch of a YAML text that can be read by itself. */
export interface YamlPiece {
  readonly start: number;
  readonly end: number;
  /** The items of the list under this key that the piece holds; undefined: some of the keys of the document, or all of it. */
  readonly items: { readonly key: string; readonly first: number; readonly count: number } | undefined;
}

/** Characters above which a text is cut. A piece is about as long, or one key or item longer. */
export const pieceCharacters = 262_144;

interface Section {
  readonly start: number;
  end: number;
  /** Where the items of its list begin, when it is a key with such a list. */
  readonly dashes: number[];
  readonly key: string | undefined;
  indent: string | undefined;
}

/** How much of a line tells what it begins. */
const lineShownMax = 200;
const documentSign = /^(?:---|\.\.\.)(?:\s|$)/;
const keyAlone = /^([A-Za-z][A-Za-z0-9_-]*):[ \t]*(?:#.*)?$/;
const dash = /^( *)-(?:[ \t]|$)/;

/**
 * Cuts a long text where its keys, and the items of their lists, begin, because the trees of a whole text of many megabytes would
 * need gigabytes. Nothing inside of a value can begin at the column of the key or of the dash that holds it, so a cut is never
 * within a value: where a text breaks that rule of YAML, the piece before the cut is broken, and is refused.
 */
export function cutYaml(text: string): YamlPiece[] {
  const whole: YamlPiece = { start: 0, end: text.length, items: undefined };
  if (text.length <= pieceCharacters) return [whole];
  const sections = findSections(text);
  const pieces: YamlPiece[] = [];
  let open: { start: number; end: number } | undefined;
  for (const section of sections) {
    const long = section.end - section.start > pieceCharacters;
    if (open !== undefined && (long || section.end - open.start > pieceCharacters)) {
      pieces.push({ ...open, items: undefined });
      open = undefined;
    }
    if (long && section.key !== undefined && section.dashes.length > 0) pieces.push(...cutItems(section, section.key));
    else open = { start: open?.start ?? section.start, end: section.end };
  }
  if (open !== undefined) pieces.push({ ...open, items: undefined });
  return pieces.length === 0 ? [whole] : pieces;
}

function cutItems(section: Section, key: string): YamlPiece[] {
  const pieces: YamlPiece[] = [];
  let first = 0;
  for (const [index, offset] of section.dashes.entries()) {
    const start = section.dashes[first] ?? offset;
    const end = section.dashes[index + 1] ?? section.end;
    const next = (section.dashes[index + 2] ?? section.end) - start;
    if (end < section.end && next <= pieceCharacters) continue;
    pieces.push({ start, end, items: { key, first, count: index + 1 - first } });
    first = index + 1;
  }
  return pieces;
}

/**
 * The keys of the document with what follows each; comments and the start of the document belong to the first. None where the
 * document is in braces, or where the text may hold a second one.
 */
function findSections(text: string): Section[] {
  const sections: Section[] = [];
  let content = false;
  for (let start = 0; start < text.length;) {
    const end = endOfLine(text, start);
    const line = text.slice(start, Math.min(end, start + lineShownMax)).trimEnd();
    const sign = documentSign.test(line);
    if ((sign && content) || (!content && /^[[{]/.test(line))) return [];
    if (line !== '' && !sign && !line.trimStart().startsWith('#')) {
      const current = sections.at(-1);
      if (current === undefined || beginsKey(line)) {
        sections.push({
          start: content ? start : 0,
          end,
          dashes: [],
          key: keyAlone.exec(line)?.[1],
          indent: undefined,
        });
      } else {
        noteDash(current, line, start);
      }
      content = true;
    }
    const last = sections.at(-1);
    if (last !== undefined) last.end = end;
    start = end;
  }
  return sections;
}

/** A line at the edge that is no item of the list before it. */
function beginsKey(line: string): boolean {
  return !/^[ \t]/.test(line) && !dash.test(line);
}

function noteDash(section: Section, line: string, start: number): void {
  const indent = dash.exec(line)?.[1];
  // The first line decides: where it is no item, the value is no list, whatever dashes come later.
  section.indent ??= indent ?? 'none';
  if (indent !== undefined && indent === section.indent) section.dashes.push(start);
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end + 1;
}
