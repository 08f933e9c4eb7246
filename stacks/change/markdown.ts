import { shortDigest } from '@orrery/contracts/digest';
import type { Change } from './change.ts';
import { describeChange, groupReasons, noChangeLine, type Report, type Row, type Section } from './report.ts';
import { count, differenceIn, partsOf, quote, signed, type Sentence } from './wording.ts';

/** By this line the one comment of a pull request is found again. */
export const previewMarker = '<!-- orrery:preview -->';

/** GitHub takes 65,536 characters. */
export const markdownMax = 60_000;

/** Of these, what stands before and after the levels may take so much. */
const frontMax = 24_000;
const footMax = 4_000;
/** Room for the lines that say what was left out. */
const notesMax = 200;

const signs = { added: '+', removed: '−', changed: '~', replaced: '!', moved: '>', told: '·' } as const;

const weights: Readonly<Record<Change['verdict']['level'], number>> = {
  'no change': 0,
  different: 1,
  safe: 1,
  'needs review': 2,
  blocked: 3,
};

export interface MarkdownOptions {
  /** The command by which anybody gets the same, for example `npx orrery preview prod`. */
  readonly reproduce: string;
}

/**
 * A comment for a pull request, of all environments that it concerns. Everything from outside stands in code spans, where neither
 * Markdown nor HTML nor a mention works. Never longer than `markdownMax`; what is left out is counted.
 */
export function formatMarkdown(changes: readonly Change[], options: MarkdownOptions): string {
  const reports = changes.filter(({ verdict }) => verdict.level !== 'no change').map(describeChange);
  const unchanged = changes
    .filter(({ verdict }) => verdict.level === 'no change')
    .map((change) => noChangeLine(change));
  if (reports.length === 0) return `${previewMarker}\n${unchanged.map(inert).join(' · ')}\n`;
  const verdicts = reports
    .toSorted((left, right) => weights[right.change.verdict.level] - weights[left.change.verdict.level])
    .map(({ title, verdict, summary }) => `**${verdict}** ${inert(title)}: ${summary}`);
  const front = `${previewMarker}\n${[...verdicts, ...unchanged.map(inert)].join('  \n')}`;
  const opening = fit(
    [front, tableOf(changes), ...reports.flatMap(statefulBlocks), ...reports.flatMap(reasonBlocks)],
    frontMax,
    'what is stateful or needs review',
  );
  const foot = fit([footOf(changes, options)], footMax, 'digests');
  const room = markdownMax - length(opening) - length(foot) - notesMax;
  const bodies = sectionBlocks(reports, room);
  return `${[...opening, ...bodies, ...foot].join('\n\n')}\n`;
}

/** A sentence in Markdown: our words as they are, what is quoted in code. */
export function inert(sentence: Sentence): string {
  return partsOf(sentence)
    .map(({ text, quoted }) => (quoted ? code(text) : text))
    .join('');
}

/** A quoted text holds no backtick and no line break. A table would end its cell at a bar, in code too. */
function code(text: string): string {
  const inner = text.replaceAll('|', '\\u{7c}');
  return `\`${inner}\``;
}

function tableOf(changes: readonly Change[]): string {
  const head = [
    'environment',
    'verdict',
    'created',
    'updated',
    'replaced',
    'deleted',
    'USD a month',
    'violations',
    'schema',
  ];
  const rows = changes.map((change) => {
    const { counts, verdict, levels } = change;
    const phases = ['expand', 'backfill', 'contract'].filter((phase) =>
      levels.schema.some((one) => one.phase === phase),
    );
    const schema = phases.length > 0 ? phases.join(', ') : levels.schema.length > 0 ? 'changed' : '–';
    const numbers = [counts.creates, counts.updates, counts.replaces, counts.deletes].map((number) =>
      number === 0 ? '–' : String(number),
    );
    return [nameOfChange(change), verdict.level, ...numbers, monthOf(change), String(counts.violations || '–'), schema];
  });
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function nameOf(label: string): string {
  return quote(label, 60).slice(1, -1);
}

function nameOfChange({ environment, head }: Change): string {
  return code(nameOf(environment ?? head.label));
}

function monthOf({ monthly: { difference } }: Change): string {
  if (difference === null) return 'not known';
  const known = signed(differenceIn(difference.usd));
  return difference.unknown === 0 ? known : `${known}, and ${difference.unknown} without a price`;
}

function reasonBlocks({ change }: Report): string[] {
  const groups = groupReasons(change);
  if (groups.length === 0) return [];
  const lines = groups.flatMap(({ rule, level, shown, left }) => {
    const told = shown.map(({ subject, text }) => `- **${level}** ${inert(quote(subject))} ${inert(text)} (${rule})`);
    return left === 0 ? told : [...told, `- **${level}** ${left} more (${rule})`];
  });
  return [`#### Why, ${nameOfChange(change)}`, lines.join('\n')];
}

function statefulBlocks({ stateful, change }: Report): string[] {
  return stateful.length === 0 ? [] : [`#### Stateful, ${nameOfChange(change)}`, stateful.map(rowOf).join('\n')];
}

/** Levels of all environments, folded; as many rows as there is room for, the rest counted. */
function sectionBlocks(reports: readonly Report[], room: number): string[] {
  const seen = new Map<string, string>();
  const blocks: string[] = [];
  let left = room;
  let leftOut = 0;
  for (const report of reports) {
    const name = report.change.environment ?? report.change.head.label;
    for (const section of report.sections) {
      const rows = section.rows.map(rowOf);
      const key = `${section.level}\n${section.summary}\n${rows.join('\n')}`;
      const same = seen.get(key);
      const told = foldedSection(
        { name, section, rows: same === undefined ? rows : [`the same as ${code(nameOf(same))}`] },
        left,
      );
      seen.set(key, same ?? name);
      leftOut += told.leftOut;
      if (told.text === '') continue;
      blocks.push(told.text);
      left -= told.text.length + 2;
    }
  }
  const note = `${count(leftOut, 'row')} left out here for length; \`--json\` has all.`;
  return leftOut === 0 ? blocks : [...blocks, note];
}

interface Told {
  readonly name: string;
  readonly section: Section;
  readonly rows: readonly string[];
}

/** Nothing from outside stands in a summary: it is HTML, where code spans do not work. */
function foldedSection({ name, section, rows }: Told, room: number): { text: string; leftOut: number } {
  const head = `<details><summary>${section.title}: ${count(section.rows.length, 'row')}</summary>`;
  const intro = `${code(nameOf(name))}: ${inert(section.summary)}`;
  const tail = '</details>';
  const frame = [head, intro, tail].join('\n\n').length + notesMax;
  const shown = takeWhileFits(rows, room - frame);
  const leftOut = rows.length - shown.length;
  if (room < frame) return { text: '', leftOut };
  const more = leftOut === 0 ? [] : [`and ${count(leftOut, 'row')} more`];
  return { text: [head, intro, shown.join('\n'), ...more, tail].join('\n\n'), leftOut };
}

function takeWhileFits(rows: readonly string[], room: number): string[] {
  const shown: string[] = [];
  let left = room;
  for (const row of rows) {
    left -= row.length + 1;
    if (left < 0) break;
    shown.push(row);
  }
  return shown;
}

function rowOf({ mark, subject, text, details }: Row): string {
  const lines = details.map((detail) => `  - ${inert(detail)}`);
  return [`- ${code(signs[mark])} ${inert(subject)}: ${inert(text)}`, ...lines].join('\n');
}

function footOf(changes: readonly Change[], { reproduce }: MarkdownOptions): string {
  const lines = changes.map(({ environment, base, head }) => {
    const digests = [base, head].map((side) =>
      side === null
        ? 'nothing'
        : (['release', 'binding', 'render'] as const)
            .map((part) => `${part} ${side[part] === null ? 'none' : code(shortDigest(side[part]))}`)
            .join(' '),
    );
    return `${code(nameOf(environment ?? head.label))}: ${digests.join(' -> ')}`;
  });
  const how = 'Desired state against desired state: no cloud was asked.';
  return ['---', `${how} The same on your machine: ${code(nameOf(reproduce))}`, lines.join('  \n')].join('\n\n');
}

/** As many blocks as fit; the first stays in any case, cut. */
function fit(blocks: readonly string[], max: number, what: string): string[] {
  const shown = takeWhileFits(blocks, max - notesMax);
  const left = blocks.length - shown.length;
  if (left === 0) return shown;
  const lines = (blocks[shown.length] ?? '').split('\n');
  const room = max - notesMax - length(shown);
  const part = takeWhileFits(lines, room);
  const note = `${count(left, 'block')} on ${what} cut here for length; \`--json\` has all.`;
  return [...shown, ...(part.length === 0 ? [] : [part.join('\n')]), note];
}

function length(blocks: readonly string[]): number {
  return blocks.reduce((sum, block) => sum + block.length + 2, 0);
}
