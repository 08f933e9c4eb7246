import { formatProblem, type Problem } from '@orrery/contracts/definition';
import { closest } from 'fastest-levenshtein';
import { CommandError, messageOf } from '../errors.ts';
import { LineFault, readFlatObject, type Member } from './flat-object.ts';

export type Parameters = Readonly<Record<string, string | number | boolean>>;

/** What the definition says of its parameters. */
export type Declared = Readonly<Record<string, { readonly type: string; readonly default?: unknown }>>;

/** One run that is asked for. */
export interface OrderLine {
  /** From 1. */
  readonly line: number;
  readonly bytes: number;
  readonly parameters: Parameters;
}

/** What a file may hold; larger ones are handed in piece by piece. */
const fileBytesMax = 256 * 1024 * 1024;
const problemsShownMax = 20;

/** All lines of a file, or `LINES_INVALID` with what is wrong with each. Blank ones are none, but count. */
export function readOrderLines(bytes: Uint8Array, file: string, declared: Declared): OrderLine[] {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const lines: OrderLine[] = [];
  const problems: Problem[] = [];
  for (const [index, piece] of splitLines(bytes).entries()) {
    const line = index + 1;
    const tell = ({ column, message, hint }: LineFault) => problems.push({ file, line, column, message, hint });
    try {
      const text = decoder.decode(piece);
      if (text.trim() === '') continue;
      const members = readFlatObject(text);
      for (const fault of judge(members, declared)) tell(fault);
      const parameters = Object.fromEntries(members.map(({ name, value }) => [name, value]));
      lines.push({ line, bytes: piece.length, parameters });
    } catch (error) {
      if (error instanceof LineFault) tell(error);
      else tell(new LineFault(1, `the line can't be read: ${messageOf(error)}`, 'the file must be UTF-8'));
    }
  }
  if (problems.length > 0) throw linesInvalid(file, problems);
  if (lines.length > 0) return lines;
  const hint = 'one object of parameters a line; {} for a run with the defaults';
  throw new CommandError({ code: 'LINES_INVALID', message: `${file} holds no line`, hint });
}

export async function readBytes(input: AsyncIterable<Uint8Array>, file: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of input) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > fileBytesMax) throw new Error(`it is larger than ${fileBytesMax} bytes`);
    }
  } catch (cause) {
    const message = `${file} can't be read: ${messageOf(cause)}`;
    const hint = 'name a file of JSON Lines, or - for what is piped in; hand a larger one in piece by piece';
    throw new CommandError({ code: 'NO_FILE', message, hint, exitCode: 2, cause });
  }
  return Buffer.concat(chunks);
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const found = bytes.indexOf(0x0a, from);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return lines;
}

/** What the definition has against the parameters of a line. */
function judge(members: readonly Member[], declared: Declared): LineFault[] {
  const names = Object.keys(declared);
  const given = new Set(members.map(({ name }) => name));
  const missing = names
    .filter((name) => !given.has(name) && declared[name]?.default === undefined)
    .map((name) => new LineFault(1, `the parameter "${name}" is missing`, `it is a ${declared[name]?.type ?? ''}`));
  const wrong = members.flatMap(({ name, nameColumn, value, valueColumn }) => {
    if (!Object.hasOwn(declared, name)) {
      const hint = names.length === 0 ? 'the workflow has none' : `did you mean "${closest(name, names)}"?`;
      return [new LineFault(nameColumn, `unknown parameter "${name}"`, hint)];
    }
    const type = declared[name]?.type;
    if (typeof value === type) return [];
    return [new LineFault(valueColumn, `"${name}" is ${JSON.stringify(value)}`, `it must be a ${type ?? ''}`)];
  });
  return [...missing, ...wrong];
}

function linesInvalid(file: string, problems: readonly Problem[]): CommandError {
  const shown = problems.slice(0, problemsShownMax).map(formatProblem);
  const more = problems.length - shown.length;
  return new CommandError({
    code: 'LINES_INVALID',
    message: [
      `${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'} in ${file}: nothing was sent`,
      ...[...shown, ...(more > 0 ? [`… and ${more} more`] : [])],
    ].join('\n'),
    hint: 'mend every place above, and hand the file in again',
  });
}
