import { tokenize, type TemplateProblem, type Token } from './tokens.ts';

/** One feature of a template: an expression and the name it goes by. */
export interface TemplateItem {
  readonly name: string;
  readonly offset: number;
  readonly expression: readonly Token[];
}

/** A window of the past that each row is joined to: the days before it, by some of its own columns. */
export interface TemplateWindow {
  readonly alias: string;
  readonly days: number;
  readonly keys: readonly string[];
  readonly offset: number;
}

export interface Template {
  readonly items: readonly TemplateItem[];
  readonly windows: readonly TemplateWindow[];
}

const shape = 'SELECT <expression> AS <feature>, … FROM {{ rows }} LEFT JOIN {{ history(days, key, …) }} AS <name> …';
const historyPattern = /^history\s*\(\s*(\d{1,3})\s*((?:,\s*[a-z][a-z0-9_]*\s*)*)\)$/;

/**
 * Reads a template's outline: which expressions make which features, and which windows of the past are joined. That is all that
 * a template can say: one SELECT over the rows, each beside its own past, so that no feature can depend on another row.
 */
export function parseTemplate(text: string): { template: Template; problems: TemplateProblem[] } {
  const { tokens, problems } = tokenize(text);
  const reader = new Reader(tokens, problems);
  if (!reader.takeWord('SELECT')) reader.refuse('a template begins with SELECT', shape);
  const items = readItems(reader);
  const windows = readSources(reader);
  return { template: { items, windows }, problems };
}

class Reader {
  private readonly tokens: readonly Token[];
  private readonly problems: TemplateProblem[];
  private position = 0;

  constructor(tokens: readonly Token[], problems: TemplateProblem[]) {
    this.tokens = tokens;
    this.problems = problems;
  }

  get next(): Token {
    return this.tokens[Math.min(this.position, this.tokens.length - 1)] ?? { kind: 'end', text: 'the end', offset: 0 };
  }

  take(): Token {
    const token = this.next;
    this.position += 1;
    return token;
  }

  is(word: string): boolean {
    return this.next.kind === 'word' && this.next.text.toUpperCase() === word;
  }

  takeWord(word: string): boolean {
    const found = this.is(word);
    if (found) this.position += 1;
    return found;
  }

  refuse(message: string, hint: string, token = this.next): void {
    this.problems.push({ offset: token.offset, message, hint });
  }
}

function readItems(reader: Reader): TemplateItem[] {
  const items: TemplateItem[] = [];
  while (reader.next.kind !== 'end') {
    const tokens = readUntilComma(reader);
    const item = itemOf(tokens, reader);
    if (item !== undefined) items.push(item);
    if (reader.next.text !== ',') break;
    reader.take();
  }
  return items;
}

function readUntilComma(reader: Reader): Token[] {
  const tokens: Token[] = [];
  let depth = 0;
  while (reader.next.kind !== 'end') {
    if ((depth <= 0 && reader.next.text === ',') || reader.is('FROM')) break;
    if (reader.next.text === '(') depth += 1;
    if (reader.next.text === ')') depth -= 1;
    tokens.push(reader.take());
  }
  return tokens;
}

function itemOf(tokens: readonly Token[], reader: Reader): TemplateItem | undefined {
  const [as, name] = tokens.slice(-2);
  const expression = tokens.slice(0, -2);
  if (as?.text.toUpperCase() !== 'AS' || name?.kind !== 'word' || expression.length === 0) {
    const last = tokens.at(-1) ?? reader.next;
    reader.refuse('this feature has no expression or no name', 'write <expression> AS <feature>', last);
    return undefined;
  }
  return { name: name.text, offset: name.offset, expression };
}

function readSources(reader: Reader): TemplateWindow[] {
  const windows: TemplateWindow[] = [];
  if (!reader.takeWord('FROM')) {
    reader.refuse('the template reads nothing', shape);
    return windows;
  }
  const rows = reader.take();
  if (rows.kind !== 'placeholder' || rows.text !== 'rows') {
    reader.refuse(`"${rows.text}" can't be read`, 'a template reads FROM {{ rows }}: the rows that get features', rows);
  }
  while (reader.next.kind !== 'end') {
    const window = readWindow(reader);
    if (window === undefined) return windows;
    windows.push(window);
  }
  return windows;
}

function readWindow(reader: Reader): TemplateWindow | undefined {
  const start = reader.next;
  if (!reader.takeWord('LEFT') || !reader.takeWord('JOIN')) {
    const message = `"${start.text}" can't follow here`;
    reader.refuse(message, 'after {{ rows }} stand only: LEFT JOIN {{ history(days, key, …) }} AS <name>', start);
    return undefined;
  }
  const source = reader.take();
  const match = source.kind === 'placeholder' ? historyPattern.exec(source.text) : null;
  if (match === null) {
    const hint = 'join {{ history(days, key, …) }}: the past before the row, for example {{ history(28, origin) }}';
    reader.refuse(`"${source.text}" can't be joined`, hint, source);
    return undefined;
  }
  const named = reader.takeWord('AS');
  const alias = reader.take();
  if (!named || alias.kind !== 'word') {
    reader.refuse('this window has no name', 'write AS <name> after it', named ? alias : source);
    return undefined;
  }
  const keys = (match[2] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  return { alias: alias.text, days: Number(match[1]), keys, offset: source.offset };
}
