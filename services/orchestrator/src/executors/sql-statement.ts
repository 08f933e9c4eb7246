import { OrreryError } from '@orrery/kit/errors';

/** A statement of a step: it reads, or it inserts what it reads. */
export interface StepStatement {
  readonly kind: 'read' | 'insert';
  readonly text: string;
}

const reading = new Set(['select', 'with', 'show', 'describe', 'desc', 'exists', 'explain', 'check']);
const changing = new Set([
  'create',
  'alter',
  'drop',
  'truncate',
  'rename',
  'exchange',
  'attach',
  'detach',
  'optimize',
  'grant',
  'revoke',
]);

// ClickHouse's lexical rules as far as they hide a word or a semicolon: blanks and comments, texts, names in quotes, words.
const tokens =
  /(?<blank>\s+|--[^\n]*|#[ !][^\n]*|\/\*[^]*?\*\/)|(?<text>'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'|\$(?<tag>\w*)\$[^]*?\$\k<tag>\$|`[^`\\]*(?:(?:\\[^]|``)[^`\\]*)*`|"[^"\\]*(?:(?:\\[^]|"")[^"\\]*)*")|(?<word>[A-Za-z_][\w$]*)|\d[\w.$]*|[^]/gy;

/** Reads what a statement does. Throws `STATEMENT_REFUSED` for a second statement, and for what neither reads nor inserts. */
export function readStepStatement(source: string): StepStatement {
  const words: string[] = [];
  let end = source.length;
  for (const { 0: token, index, groups = {} } of source.matchAll(tokens)) {
    if (groups['blank'] !== undefined) continue;
    if (end < index)
      throw refused('there is a second statement', 'give it a step of its own: each is tried again by itself');
    if (token === ';') end = index;
    else if (groups['word'] !== undefined) words.push(token.toLowerCase());
    else if (words.length > 0 || token !== '(') words.push('');
  }
  const text = source.slice(0, end);
  const [verb = ''] = words;
  const inserts =
    verb === 'insert' || (verb === 'with' && words.some((word, at) => word === 'insert' && words[at + 1] === 'into'));
  if (inserts) return readInsert(words, text);
  if (reading.has(verb)) return { kind: 'read', text };
  if (changing.has(verb)) {
    const hint = 'tables are made and changed by migrations: sql/NNN_<verb>_<noun>.sql of the service that owns them';
    throw refused(`${verb.toUpperCase()} changes what there is`, hint);
  }
  throw refused(
    verb === '' ? 'it is empty' : `it begins with ${verb}`,
    'a step reads by SELECT, or writes by INSERT … SELECT',
  );
}

/** Data within the statement would be the same for all runs. */
function readInsert(words: readonly string[], text: string): StepStatement {
  if (words.includes('select') || words.includes('values')) return { kind: 'insert', text };
  throw refused(
    'it inserts data that stands in it',
    'write INSERT … SELECT, or VALUES with {name:Type} and parameters',
  );
}

function refused(what: string, hint: string): OrreryError {
  return new OrreryError({ code: 'STATEMENT_REFUSED', message: `the statement of the step is refused: ${what}`, hint });
}
