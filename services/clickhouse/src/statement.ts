import { refuse } from './errors.ts';

/** A statement as read, never changed: only what the server has to know about it. */
export interface Statement {
  /** `rows`: the answer is rows; `insert`: `data` follows the text; `whole`: there is one answer at the end. */
  readonly kind: 'rows' | 'insert' | 'whole';
  readonly reads: boolean;
  readonly text: string;
  readonly placeholders: ReadonlySet<string>;
  /** What follows FORMAT, or nothing. */
  readonly format: string;
  readonly data: Buffer;
}

const rowVerbs = new Set(['select', 'with']);
const readVerbs = new Set([...rowVerbs, ...'show describe desc exists explain check'.split(' ')]);
const writeVerbs = new Set('insert create alter drop truncate rename exchange optimize delete update'.split(' '));
const ownFunctions = /^(values|null|(numbers|zeros)(_mt)?|format|generate(random|_?series)|view|merge|dictionary)$/;
const ownEngines = /^(\w*mergetree|memory|null|log|set|join|buffer|merge|(materialized)?view|dictionary|atomic)$/;
/** Functions, dictionary sources and disks that reach outside without being table functions. */
const outwardFunctions = 'http clickhouse disk catboostevaluate hascolumnintable'.split(' ');
/** Clauses that do, and settings that hold expressions, which nobody reads here. */
export const outwardWords = new Set('infile outfile additional_table_filters additional_result_filter'.split(' '));

/** How a statement reaches a file, a program or another host: by all that the engine has and that is not known as its own. */
export function outwardOf(tableFunctions: readonly string[], engines: readonly string[]) {
  const others = (names: readonly string[], own: RegExp) =>
    new Set(names.map((name) => name.toLowerCase()).filter((name) => !own.test(name)));
  const functions = others([...tableFunctions, ...outwardFunctions], ownFunctions);
  return { functions, engines: others(engines, ownEngines) };
}
export type Outward = ReturnType<typeof outwardOf>;

// The engine's own lexical rules, over bytes read as latin1: an index is a byte offset, a curly quote is three bytes.
const tokens =
  /(?<blank>\s+|--[^\n]*|\/\/[^\n]*|#[ !][^\n]*|\/\*[^]*?\*\/)|(?<text>'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'|\$(?<tag>\w*)\$[^]*?\$\k<tag>\$)|(?<quoted>`[^`\\]*(?:(?:\\[^]|``)[^`\\]*)*`|"[^"\\]*(?:(?:\\[^]|"")[^"\\]*)*")|(?<word>[A-Za-z_][\w$]*)|(?<open>['"`]|\xe2\x80[\x98\x99\x9c\x9d])|\d[\w.$]*|[^]/gy;

/**
 * Reads one statement of the subset. Throws a refusal for a second statement, for a verb outside the subset, and for whatever
 * would reach a file, a program or another host: the engine itself allows all of these to everyone.
 */
export function readStatement(source: Buffer, outward: Outward): Statement {
  const placeholders = new Set<string>();
  let [verb, name, last, second, format, selects] = ['', '', '', '', '', false];
  for (const { 0: raw, index, groups = {} } of source.toString('latin1').matchAll(tokens)) {
    if (groups['blank'] !== undefined) continue;
    if (last === ';') throw refuse('SYNTAX_ERROR', 62, 'Multi-statements are not allowed', 'send one a request');
    if (groups['open'] !== undefined) throw refuse('SYNTAX_ERROR', 62, 'a quote is open', 'close it by the same one');
    const token = groups['text'] === undefined ? (groups['quoted']?.slice(1, -1) ?? raw).toLowerCase() : "''";
    verb ||= token === '(' ? '' : token;
    checkReach(token, last, second, outward);
    if (token === ':' && second === '{') placeholders.add(name);
    selects ||= rowVerbs.has(token) || token === 'values';
    if (verb === 'insert' && last === 'format' && groups['word'] !== undefined && !selects) {
      const end = index + raw.length;
      const gap = /^[ \t]*;?[ \t]*\r?\n?/.exec(source.toString('latin1', end, end + 64))?.[0].length ?? 0;
      const [text, data] = [source.toString('utf8', 0, end), source.subarray(end + gap)];
      return { kind: 'insert', reads: false, text, placeholders, format: raw, data };
    }
    if (last === 'format') format = groups['word'] ?? '';
    else if (second === 'format' && token !== 'settings' && token !== ';') format = '';
    [name, last, second] = [raw, token, last];
  }
  const [reads, data] = [readVerbs.has(verb), Buffer.alloc(0)];
  const kind = rowVerbs.has(verb) ? 'rows' : 'whole';
  if (reads || writeVerbs.has(verb)) return { kind, reads, text: source.toString(), placeholders, format, data };
  if (verb === '') throw refuse('SYNTAX_ERROR', 62, 'Empty query', 'send it as the body or as the parameter query');
  throw refuse('ACCESS_DENIED', 497, `statements that begin with ${verb} are refused`, 'the README lists the others');
}

function checkReach(token: string, last: string, second: string, outward: Outward): void {
  const called = token === '(' && (outward.functions.has(last) || last.includes('\\'));
  const engine = (last === 'engine' || (last === '=' && second === 'engine')) && outward.engines.has(token);
  if (!called && !engine && !outwardWords.has(token)) return;
  const what = `${called ? `${last}()` : token} would reach outside of this engine's tables`;
  throw refuse('ACCESS_DENIED', 497, what, 'read by SELECT and write by INSERT over HTTP');
}
