import { digestOf, shortDigest, type Digest } from '@orrery/contracts/digest';
import type { FeatureSet } from '@orrery/contracts/definitions/feature-set';
import { checkTemplate } from './checks.ts';
import { emitSql, layOut, type CompiledSql } from './emission.ts';
import { planHistoryTables, type HistoryTable } from './history-tables.ts';
import { parseTemplate } from './template.ts';
import type { TemplateProblem } from './tokens.ts';

/** Raised when the same definition would be computed otherwise: what was computed before is then not reused. */
const compilerVersion = 1;

export interface CompiledFeatureSet {
  readonly definition: FeatureSet;
  readonly tenant: string;
  /** Names everything that a feature's value follows from, but for the data. */
  readonly fingerprint: Digest;
  /** The SELECT as people read it, with `{{ rows }}` where the rows come from. */
  readonly sql: string;
  readonly parts: CompiledSql;
  /** The tables that hold the past. */
  readonly history: readonly HistoryTable[];
  /** The longest window, in days. */
  readonly historyDays: number;
  /** Where the partitions lie: each fingerprint has its own, so another release's stay as they are. */
  readonly table: string;
}

export type CompileResult =
  | { readonly ok: true; readonly compiled: CompiledFeatureSet }
  | { readonly ok: false; readonly problems: readonly TemplateProblem[] };

/** Compiles a definition that fits its schema. Never throws for what a person wrote: all problems come back at once. */
export function compileFeatureSet(definition: FeatureSet): CompileResult {
  const { template, problems } = parseTemplate(definition.sql);
  const all = [...problems, ...(problems.length === 0 ? checkTemplate(definition, template) : [])];
  if (all.length > 0) return { ok: false, problems: all };
  const history = planHistoryTables(definition, template);
  const parts = emitSql(definition, template, history);
  const sql = layOut(parts, { rows: '{{ rows }}', carried: [], restricted: false });
  const fingerprint = fingerprintOf(definition, sql);
  return {
    ok: true,
    compiled: {
      definition,
      tenant: definition.tenant ?? 'main',
      fingerprint,
      sql,
      parts,
      history,
      historyDays: Math.max(1, ...template.windows.map(({ days }) => days)),
      table: `features_${definition.name.replaceAll('-', '_')}_${shortDigest(fingerprint)}`,
    },
  };
}

/** Words for people (descriptions, owner, layout of the SQL) are left out: they change no value. */
function fingerprintOf(definition: FeatureSet, sql: string): Digest {
  const features = definition.features.map(({ name, type, nullable, minimum, maximum }) => ({
    name,
    type,
    nullable: nullable ?? false,
    minimum: minimum ?? null,
    maximum: maximum ?? null,
  }));
  const { name, rows, history } = definition;
  const upstream = { ...history, daysMax: null };
  return digestOf('feature-set', { compiler: compilerVersion, name, sql, features, rows, upstream });
}
