import { CommandError } from '../errors.ts';

/**
 * What a migration does to a version that runs beside it: `expand` adds and disturbs nobody, `backfill` fills what was added,
 * `contract` takes away what an older version may still use.
 */
export type Phase = 'expand' | 'backfill' | 'contract';

/** `NNN_verb_noun.sql`: applied once, in the order of the numbers. */
export const migrationName = /^\d{3}_[a-z0-9_]+\.sql$/;

interface Statement {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** The first rule that fits tells the phase; a statement that none fits is unknown. */
const rules: readonly (readonly [RegExp, Phase])[] = [
  [/^CREATE (OR REPLACE )?(TABLE|DICTIONARY)\b.*\bAS SELECT\b/, 'backfill'],
  [/^CREATE MATERIALIZED VIEW\b.*\bPOPULATE\b/, 'backfill'],
  [/^CREATE OR REPLACE\b/, 'contract'],
  [/^CREATE (TABLE|MATERIALIZED VIEW|VIEW|DATABASE|FUNCTION|DICTIONARY)\b/, 'expand'],
  [/^INSERT INTO\b.*\bSELECT\b/, 'backfill'],
  [/^INSERT INTO\b.*\bVALUES\b/, 'backfill'],
  [/^OPTIMIZE TABLE\b/, 'backfill'],
  [/^(DROP|RENAME|EXCHANGE|TRUNCATE|DETACH)\b/, 'contract'],
  [/^DELETE FROM\b/, 'contract'],
];

const alterRules: readonly (readonly [RegExp, Phase])[] = [
  [/^ADD (COLUMN|INDEX|PROJECTION|CONSTRAINT)\b/, 'expand'],
  [/^COMMENT COLUMN\b/, 'expand'],
  [/^MODIFY (COMMENT|SETTING)\b/, 'expand'],
  [/^(MATERIALIZE (COLUMN|INDEX|PROJECTION|TTL|STATISTICS)|UPDATE)\b/, 'backfill'],
  [/^(DROP|RENAME|CLEAR|DELETE|DETACH|REPLACE|MOVE|MODIFY|ALTER|RESET|REMOVE)\b/, 'contract'],
];

/** The phase of a migration. Throws `MIGRATION_UNCLEAR`, naming file and line, for a statement of no known phase or of another one. */
export function phaseOf(sql: string, file: string): Phase {
  const found = splitStatements(sql).flatMap((statement) =>
    phasesOfStatement(statement, file).map((phase) => ({ ...statement, phase })),
  );
  const [first] = found;
  if (first === undefined) throw unclear(file, 1, 'holds no statement', 'a migration has at least one');
  const other = found.find(({ phase }) => phase !== first.phase);
  if (other === undefined) return first.phase;
  throw unclear(
    file,
    other.line,
    `is of the phase ${other.phase}, line ${first.line} is of the phase ${first.phase}`,
    'one phase a file, so that a version that runs beside it is never met by more: split the file',
  );
}

function phasesOfStatement({ text, line }: Statement, file: string): Phase[] {
  const alter = /^ALTER TABLE (?:IF EXISTS )?(?:'[^']*'|[\w.])+ (?:ON CLUSTER \S+ )?(.*)$/.exec(text)?.[1];
  const parts =
    alter === undefined
      ? [{ text, among: rules }]
      : splitList(alter).map((part) => ({ text: part, among: alterRules }));
  return parts.map((part) => {
    const phase = part.among.find(([pattern]) => pattern.test(part.text))?.[1];
    if (phase !== undefined) return phase;
    const words = part.text.split(' ').slice(0, 4).join(' ');
    throw unclear(file, line, `"${words}…" has no known phase`, 'add a rule for it to stacks/release/migrations.ts');
  });
}

/** The statements of a file in one line each, keywords in capitals, comments gone, the insides of texts blanked. */
function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = [];
  const plain = blankOut(sql);
  let start = 0;
  for (const text of plain.split(';')) {
    const lead = /^\s*/.exec(text)?.[0].length ?? 0;
    const line = plain.slice(0, start + lead).split('\n').length;
    const words = text.trim().replace(/\s+/g, ' ');
    if (words !== '') statements.push({ line, text: words.toUpperCase() });
    start += text.length + 1;
  }
  return statements;
}

/** Comments and the insides of quoted texts as blanks, so that no word or semicolon in them counts; lines stay where they are. */
function blankOut(sql: string): string {
  const tokens = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|`[^`]*`|"[^"]*"/g;
  return sql.replace(tokens, (token) => {
    const blank = token.replace(/[^\n]/g, ' ');
    return token.startsWith('--') || token.startsWith('/*') ? blank : `'${blank.slice(2)}'`;
  });
}

/** Splits at the commas that stand in no bracket. */
function splitList(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts.push((parts.pop() ?? '') + character);
  }
  return parts.map((part) => part.trim());
}

function unclear(file: string, line: number, reason: string, hint: string): CommandError {
  return new CommandError({ code: 'MIGRATION_UNCLEAR', message: `${file}:${line} ${reason}`, hint });
}
