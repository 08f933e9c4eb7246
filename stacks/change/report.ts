import { shortDigest } from '@orrery/contracts/digest';
import { levels as everyLevel, type Change, type Level, type Reason, type SideName } from './change.ts';
import { resourceSection } from './report-resources.ts';
import {
  configSection,
  costSection,
  definitionSection,
  modelSection,
  policySection,
  schemaSection,
  serviceSection,
  statefulRows,
  toolchainSection,
} from './report-sections.ts';
import { foldReasons } from './violations.ts';
import { count, quote, type Sentence } from './wording.ts';

/** What is at the beginning of a row: never the only sign, the row says it too. */
export type Mark = 'added' | 'removed' | 'changed' | 'replaced' | 'moved' | 'told';

export interface Row {
  readonly mark: Mark;
  readonly subject: Sentence;
  readonly text: Sentence;
  /** One line each. */
  readonly details: readonly Sentence[];
}

export interface Section {
  readonly level: Level;
  readonly title: string;
  readonly summary: Sentence;
  readonly rows: readonly Row[];
}

/** A change in words, in the order in which it is told; each output only sets it. */
export interface Report {
  readonly change: Change;
  /** `prod: 9f3c1a2b4d5e -> 41be07c9d8aa`. */
  readonly title: Sentence;
  /** `NEEDS REVIEW`. */
  readonly verdict: string;
  /** `14 changes, 1 stateful replaced`. */
  readonly summary: string;
  readonly stateful: readonly Row[];
  /** Levels in which something differs. */
  readonly sections: readonly Section[];
}

const describers: Readonly<Record<Level, (change: Change) => Omit<Section, 'level'>>> = {
  service: serviceSection,
  config: configSection,
  definition: definitionSection,
  model: modelSection,
  resource: resourceSection,
  policy: policySection,
  cost: costSection,
  schema: schemaSection,
  toolchain: toolchainSection,
};

export function describeChange(change: Change): Report {
  const sections = everyLevel
    .filter((level) => change.levels[level].length > 0)
    .map((level) => ({ level, ...describers[level](change) }));
  return {
    change,
    title: titleOf(change),
    verdict: `${change.verdict.level.toUpperCase()}${limitsOf(change)}`,
    summary: summaryOf(change),
    stateful: statefulRows(change),
    sections,
  };
}

/** Nothing differs: one line says it all. */
export function noChangeLine(change: Change): Sentence {
  const { head, base, environment } = change;
  const what = environment !== null && base?.label === environment ? quote(environment) : quote(head.label);
  return `${what}: no change${limitsOf(change)} (release ${quote(shortDigest(head.release))})`;
}

/** A verdict on some levels must not read as one on all. */
function limitsOf({ compared }: Change): string {
  return compared.length === everyLevel.length ? '' : ` at level ${compared.join(', ')} alone`;
}

function titleOf({ environment, base, head }: Change): Sentence {
  if (base === null) return `${quote(head.label)}: nothing -> ${quote(shortDigest(head.release))}`;
  const own = environment !== null && base.label === environment;
  const sides = own ? [shortName(base), shortName(head)] : [longName(base), longName(head)];
  const [from = '', to = ''] = sides;
  const moved = base.release === head.release ? beside(base, head) : '';
  const where = own || environment === null || base.label === head.label ? '' : ` on ${quote(environment)}`;
  return `${own ? `${quote(base.label)}: ` : ''}${from} -> ${to}${moved}${own ? '' : where}`;
}

function shortName({ release }: SideName): Sentence {
  return quote(shortDigest(release));
}

function longName({ label, release }: SideName): Sentence {
  const short = shortDigest(release);
  return label === short ? quote(label) : `${quote(label)} ${quote(short)}`;
}

/** What differs where the release is the same. */
function beside(base: SideName, head: SideName): Sentence {
  const part = (['binding', 'render'] as const).find((one) => base[one] !== head[one]);
  if (part === undefined) return '';
  const name = (digest: string | null) => (digest === null ? 'none' : quote(shortDigest(digest)));
  return ` (${part} ${name(base[part])} -> ${name(head[part])})`;
}

function summaryOf({ counts, stateful, verdict }: Change): string {
  const noun = verdict.level === 'different' ? 'difference' : 'change';
  const told = (what: string) => stateful.filter((one) => one.what === what).length;
  const stately = (['deleted', 'replaced', 'may be replaced', 'unprotected'] as const)
    .filter((what) => told(what) > 0)
    .map((what) => `${told(what)} stateful ${what}`);
  const violations = counts.violations === 0 ? [] : [count(counts.violations, 'policy violation')];
  const follows = counts.follows === 0 ? [] : [`${counts.follows} more ${counts.follows === 1 ? 'follows' : 'follow'}`];
  return [count(counts.changes, noun), ...follows, ...stately, ...violations].join(', ');
}

export interface ReasonGroup {
  readonly rule: string;
  readonly level: Reason['level'];
  readonly shown: readonly Reason[];
  /** How many more the rule found. */
  readonly left: number;
}

/** Reasons that are shown of one rule. */
const reasonsShownMax = 4;

/** By rule, in their order. */
export function groupReasons({ verdict, levels }: Pick<Change, 'verdict' | 'levels'>): ReasonGroup[] {
  const reasons = verdict.reasons.filter(({ behind }) => behind === undefined);
  const rules = [...new Set(reasons.map(({ rule }) => rule))];
  return rules.map((rule) => {
    const each = reasons.filter((reason) => reason.rule === rule);
    const found = rule === 'policy-broken' ? foldReasons(each, levels.policy) : each;
    const shown = found.slice(0, reasonsShownMax);
    return { rule, level: found[0]?.level ?? 'needs review', shown, left: found.length - shown.length };
  });
}
