import { shortDigest } from '@orrery/contracts/digest';
import type { Moved } from './change.ts';
import { isFields } from './values.ts';

/**
 * A sentence for people in which everything that comes from outside (a name, a path, a value) stands between backticks, and a
 * backtick itself never does. So each output can show what is quoted in its own harmless way.
 */
export type Sentence = string;

/** The most that is shown of one value; `--json` has all of it. */
const valueShownMax = 72;
const quotedShownMax = 160;
/** What is kept before the place where two long values part. */
const contextShown = 16;
const listShownMax = 6;

const invisible = /[\p{C}\p{Zl}\p{Zp}`]|(?! )\p{Zs}/gu;
const known: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Makes harmless and visible: control characters, right-to-left and zero-width ones become their escapes. */
export function visible(text: string): string {
  return text.replace(invisible, (one) => known[one] ?? `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`);
}

/** Puts something from outside into a sentence. */
export function quote(text: string, max = quotedShownMax): Sentence {
  return `\`${shorten(visible(text === '' ? '(empty)' : text), max)}\``;
}

/** The parts of a sentence: what we say, and what is quoted. */
export function partsOf(sentence: Sentence): { readonly text: string; readonly quoted: boolean }[] {
  return sentence
    .split('`')
    .map((text, index) => ({ text, quoted: index % 2 === 1 }))
    .filter(({ text }) => text !== '');
}

/** The sentence as plain text. */
export function plain(sentence: Sentence): string {
  return sentence.replaceAll('`', '');
}

export function shorten(text: string, max: number): string {
  const points = Array.from(text);
  return points.length <= max ? text : `${points.slice(0, max - 1).join('')}…`;
}

/** `1 service`, `3 services`. */
export function count(number: number, noun: string): string {
  const plural = noun.endsWith('y') ? `${noun.slice(0, -1)}ies` : `${noun}s`;
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : plural}`;
}

/** The first of a list, and how many more. */
export function listed(names: readonly string[], max = listShownMax): Sentence {
  const shown = names.slice(0, max).map((name) => quote(name));
  return names.length > max ? `${shown.join(', ')} and ${names.length - max} more` : shown.join(', ');
}

/** What a value was and is. */
export function showMove({ before, after }: { readonly before?: unknown; readonly after?: unknown }): Sentence {
  if (before === undefined) return `set to ${quote(textOf(after), valueShownMax)}`;
  if (after === undefined) return `${quote(textOf(before), valueShownMax)} removed`;
  if (Array.isArray(before) && Array.isArray(after)) return showLists(before, after);
  const [from, to] = focus(textOf(before), textOf(after));
  if (from === to) return isFields(before) ? 'another secret' : `${quote(from, valueShownMax)} in other letters`;
  return `${quote(from, valueShownMax)} -> ${quote(to, valueShownMax)}`;
}

function showLists(before: readonly unknown[], after: readonly unknown[]): Sentence {
  const [from, to] = [before.map(textOf), after.map(textOf)];
  const added = to.filter((one) => !from.includes(one)).map((one) => `+${one}`);
  const removed = from.filter((one) => !to.includes(one)).map((one) => `-${one}`);
  if (added.length + removed.length === 0) return `reordered: ${listed(from)} -> ${listed(to)}`;
  return listed([...added, ...removed], listShownMax * 2);
}

/** A value as text: digests in short, secrets by what they refer to. */
function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/sha256:[0-9a-f]{64}/g, (digest) => `sha256:${shortDigest(digest)}`);
}

/** Of two long values the part in which they differ. */
function focus(from: string, to: string): [string, string] {
  if (Math.max(from.length, to.length) <= valueShownMax) return [from, to];
  let start = 0;
  while (start < Math.min(from.length, to.length) && from[start] === to[start]) start += 1;
  let end = 0;
  while (end < Math.min(from.length, to.length) - start && from.at(-1 - end) === to.at(-1 - end)) end += 1;
  const cut = (text: string): string => {
    const [first, last] = [wordStart(text, start - contextShown), Math.max(0, end - contextShown)];
    const middle = text.slice(first, text.length - last);
    return `${first > 0 ? '…' : ''}${middle}${last > 0 ? '…' : ''}`;
  };
  return [cut(from), cut(to)];
}

/** Where the word begins that a place lies in, if that is near. */
function wordStart(text: string, place: number): number {
  const before = text.slice(Math.max(0, place - contextShown), Math.max(0, place));
  const word = /[^\s/,;"'({[]*$/.exec(before)?.[0] ?? '';
  return Math.max(0, place - word.length);
}

/** Dollars with cents and thousands, for example `1,021.40`. */
export function usd(amount: number): string {
  return amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function signed(amount: number): string {
  return `${amount < 0 ? '-' : '+'}${usd(Math.abs(amount))}`;
}

/** How much more it is; nothing stands for nothing. */
export function differenceIn({ before, after }: Moved<number>): number {
  return (after ?? 0) - (before ?? 0);
}
