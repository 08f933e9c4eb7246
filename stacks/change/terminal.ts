import { createColors } from 'picocolors';
import type { Change } from './change.ts';
import {
  describeChange,
  groupReasons,
  noChangeLine,
  type Mark,
  type Report,
  type Row,
  type Section,
} from './report.ts';
import { count, plain, quote, shorten } from './wording.ts';

export interface TerminalStyle {
  /** Colour beside the signs, never instead of them. */
  readonly color: boolean;
  /** Sentences without signs or columns, for screen readers and for reading line by line. */
  readonly plain: boolean;
}

/** Rows of one section; `--json` has all. */
const rowsShownMax = 60;
const subjectWidthMax = 44;

const signs: Readonly<Record<Mark, string>> = {
  added: '+',
  removed: '-',
  changed: '~',
  replaced: '!',
  moved: '>',
  told: '.',
};

/** A change for a terminal: the verdict, why, what of the stateful is in danger, then level by level. */
export function formatTerminal(change: Change, style: TerminalStyle): string {
  if (change.verdict.level === 'no change') return [plain(noChangeLine(change)), ...leftOutLines(change)].join('\n');
  const report = describeChange(change);
  const paint = painterOf(style);
  const blocks = [
    [paint.headline(report), ...(report.stateful.length === 0 ? reasonLines(report, paint) : [])],
    ...(report.stateful.length === 0 ? [] : [statefulLines(report, paint), reasonLines(report, paint)]),
    ...report.sections.map((section) => sectionLines(section, paint)),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

/** Several previews, one after the other. */
export function formatTerminals(changes: readonly Change[], style: TerminalStyle): string {
  return changes.map((change) => formatTerminal(change, style)).join('\n\n');
}

interface Painter {
  readonly plain: boolean;
  headline(report: Report): string;
  title(text: string): string;
  mark(mark: Mark, text: string): string;
  warn(text: string): string;
}

function painterOf({ color, plain: isPlain }: TerminalStyle): Painter {
  const colors = createColors(color && !isPlain);
  const verdicts: Readonly<Record<string, (text: string) => string>> = {
    safe: colors.green,
    'needs review': colors.yellow,
    blocked: colors.red,
  };
  const marks: Readonly<Record<Mark, (text: string) => string>> = {
    added: colors.green,
    removed: colors.red,
    changed: colors.yellow,
    replaced: colors.magenta,
    moved: colors.cyan,
    told: colors.dim,
  };
  return {
    plain: isPlain,
    headline({ title, verdict, summary, change }) {
      const paint = verdicts[change.verdict.level] ?? colors.cyan;
      return `${plain(title)}  ${paint(colors.bold(verdict))}  ${summary}`;
    },
    title: (text) => colors.bold(text),
    mark: (mark, text) => marks[mark](text),
    warn: (text) => colors.red(text),
  };
}

/** Some of each rule: a rule that finds thirty has said enough with three. */
function reasonLines({ change }: Report, paint: Painter): string[] {
  return groupReasons(change).flatMap(({ rule, level, shown, left }) => {
    const lines = shown.map(({ subject, text }) => `${level}: ${plain(quote(subject))} ${plain(text)} [${rule}]`);
    const all = left === 0 ? lines : [...lines, `${level}: ${left} more [${rule}]`];
    return all.map((line) => (paint.plain ? line : `  ${level === 'blocked' ? paint.warn(line) : line}`));
  });
}

function statefulLines({ stateful }: Report, paint: Painter): string[] {
  const title = paint.plain ? `Stateful, ${stateful.length} in danger:` : paint.title('STATEFUL');
  return [title, ...rowsLines(stateful, paint)];
}

function sectionLines({ title, summary, rows }: Section, paint: Painter): string[] {
  const head = paint.plain ? `${title}: ${plain(summary)}` : `${paint.title(title.toUpperCase())}  ${plain(summary)}`;
  return [head, ...rowsLines(rows, paint)];
}

function rowsLines(rows: readonly Row[], paint: Painter): string[] {
  const shown = rows.slice(0, rowsShownMax);
  const widths = shown.map(({ subject }) => plain(subject).length).filter((width) => width <= subjectWidthMax);
  const width = Math.max(0, ...widths);
  const lines = shown.flatMap(({ mark, subject, text, details }) => {
    if (paint.plain) return [`${plain(subject)}: ${plain(text)}`, ...details.map((detail) => `  ${plain(detail)}`)];
    const name = plain(subject).padEnd(width);
    return [
      `  ${paint.mark(mark, `${signs[mark]} ${name}`)}  ${plain(text)}`,
      ...details.map((detail) => `      ${plain(detail)}`),
    ];
  });
  return [...lines, ...moreLine(rows.length - rowsShownMax, 'row', paint)];
}

function moreLine(left: number, noun: string, paint: Painter): string[] {
  return left <= 0 ? [] : [`${paint.plain ? '' : '  '}and ${count(left, noun)} more: --json has all`];
}

function leftOutLines({ leftOut }: Change): string[] {
  return leftOut.map(({ level, reason }) => `not compared: ${level}, ${shorten(plain(reason), 200)}`);
}
