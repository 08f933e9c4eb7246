/** One parameter as it stands in a line. Columns count from 1. */
export interface Member {
  readonly name: string;
  readonly nameColumn: number;
  readonly value: string | number | boolean;
  readonly valueColumn: number;
}

/** What is wrong with a line, and where. */
export class LineFault extends Error {
  readonly column: number;
  readonly hint: string;

  constructor(column: number, message: string, hint: string) {
    super(message);
    this.column = column;
    this.hint = hint;
  }
}

interface Token {
  readonly kind: 'sign' | 'text' | 'scalar' | 'wrong' | 'end';
  readonly text: string;
  readonly column: number;
}

const example = '{"day": "2001-06-15", "rows": 7, "again": true}';
const space = /[ \t\r\n]*/y;
const sign = /[{}[\]:,]/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.])/y;
const shownMax = 24;

/**
 * The members of a JSON object whose values are texts, numbers, true or false, in their order. Throws a `LineFault`. JSON.parse would not
 * say of every mistake where it is, nor that a name stands twice.
 */
export function readFlatObject(line: string): Member[] {
  const next = tokensOf(line);
  expectSign(next(), '{', `a line is one object of parameters: ${example}`);
  const first = next();
  const members = isSign(first, '}') ? [] : readMembers(first, next);
  const rest = next();
  if (rest.kind !== 'end') throw wrong(rest, 'the end of the line', 'each line holds one object');
  return members;
}

/** Up to the bracket that ends them. */
function readMembers(first: Token, next: () => Token): Member[] {
  const members: Member[] = [];
  for (let token = first; ; token = next()) {
    const name = readName(token);
    expectSign(next(), ':', 'the value of a parameter follows its name');
    const { column: valueColumn, value } = readValue(name, next());
    if (members.some((member) => member.name === name)) {
      throw new LineFault(token.column, `"${name}" stands twice`, 'take one of the two out');
    }
    members.push({ name, nameColumn: token.column, value, valueColumn });
    const after = next();
    if (isSign(after, '}')) return members;
    expectSign(after, ',', 'a comma stands between parameters, and } after the last');
  }
}

function readName(token: Token): string {
  if (token.kind !== 'text') throw wrong(token, 'the name of a parameter', `in double quotes: ${example}`);
  return JSON.parse(token.text) as string;
}

function readValue(name: string, token: Token): { value: string | number | boolean; column: number } {
  const { kind, text, column } = token;
  if (kind === 'text') return { value: JSON.parse(text) as string, column };
  const hint = 'parameters are texts in double quotes, numbers, true or false';
  if (kind !== 'scalar' || text === 'null') throw wrong(token, `the value of "${name}"`, hint);
  const value = JSON.parse(text) as number | boolean;
  if (typeof value === 'boolean' || isExact(value)) return { value, column };
  throw new LineFault(column, `"${name}" is ${text}, which no number holds exactly`, `write it as a text: "${text}"`);
}

function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function tokensOf(line: string): () => Token {
  let at = 0;
  return () => {
    at += matchAt(space, line, at).length;
    const column = at + 1;
    if (at === line.length) return { kind: 'end', text: '', column };
    for (const [kind, text] of [
      ['sign', matchAt(sign, line, at)],
      ['text', textAt(line, at)],
      ['scalar', matchAt(scalar, line, at)],
    ] as const) {
      at += text.length;
      if (text !== '') return { kind, text, column };
    }
    return { kind: 'wrong', text: line.slice(at).trimEnd(), column };
  };
}

/** The JSON text that begins here, with its quotes; empty when there is none, or none that ends. */
function textAt(line: string, at: number): string {
  if (line[at] !== '"') return '';
  let end = at + 1;
  while (end < line.length && line[end] !== '"') end += line[end] === '\\' ? 2 : 1;
  const text = line.slice(at, end + 1);
  try {
    return typeof JSON.parse(text) === 'string' ? text : '';
  } catch {
    return '';
  }
}

function matchAt(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

function isSign({ kind, text }: Token, wanted: string): boolean {
  return kind === 'sign' && text === wanted;
}

function expectSign(token: Token, wanted: string, hint: string): void {
  if (!isSign(token, wanted)) throw wrong(token, wanted, hint);
}

function wrong({ kind, text, column }: Token, wanted: string, hint: string): LineFault {
  if (kind === 'end') return new LineFault(column, `${wanted} is missing: the line ends here`, hint);
  const what = kind === 'wrong' && text.startsWith('"') ? 'a text that is no JSON, or has no end: ' : '';
  const shown = text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
  return new LineFault(column, `${wanted} is expected, and there is ${what}${shown}`, hint);
}
