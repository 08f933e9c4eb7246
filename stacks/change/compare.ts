import {
  graphLevels,
  levels as everyLevel,
  type Change,
  type ChangeLevels,
  type Counts,
  type Level,
  type Reason,
  type ResourceChange,
  type SideName,
  type Verdict,
} from './change.ts';
import { compareConfig } from './config.ts';
import { compareCosts } from './cost.ts';
import { compareDefinitions } from './definition.ts';
import { findReplacedHosts, putBehind } from './host.ts';
import { compareModels } from './model.ts';
import { comparePolicies } from './policy.ts';
import { compareResources, withoutPlan } from './resource.ts';
import { isTold } from './routine.ts';
import { compareSchemas } from './schema.ts';
import { compareServices } from './service.ts';
import type { Context, Side } from './side.ts';
import { findStatefulChanges } from './stateful.ts';
import { compareToolchains } from './toolchain.ts';
import { verdictRules, type Compared } from './verdict-rules.ts';
import { quote } from './wording.ts';

/**
 * Everything by which the head differs from the base, and what to think of it. Pure: the same two sides and context give the same
 * answer. Without a base all of the head is created.
 */
export function compare(base: Side | undefined, head: Side, context: Context): Change {
  const { levels, monthly } = compareLevels(base, head, context);
  const compared: Compared = {
    base: base === undefined ? null : nameOf(base),
    head: nameOf(head),
    levels,
    stateful: context.environments ? [] : findStatefulChanges(levels.resource),
    hosts: context.environments ? [] : findReplacedHosts(head.graph ?? [], levels.resource),
    monthly,
    leftOut: context.leftOut,
    staleBase: context.staleBase,
  };
  const counts = countChanges(compared);
  return {
    schema: 1,
    environment: context.environment,
    base: compared.base,
    head: compared.head,
    verdict: judgeChange(compared, counts, context),
    counts,
    stateful: compared.stateful,
    levels,
    monthly,
    compared: context.levels,
    leftOut: context.leftOut,
  };
}

function compareLevels(base: Side | undefined, head: Side, context: Context): Pick<Change, 'levels' | 'monthly'> {
  const asked = (level: Level): boolean => context.levels.includes(level) && hasWhatItNeeds(level, base, head);
  const nothing = { changes: [], monthly: { base: null, head: null, difference: null } };
  const cost = asked('cost') ? compareCosts(base, head, context) : nothing;
  const levels: ChangeLevels = {
    service: asked('service') ? compareServices(base, head, context) : [],
    config: asked('config') ? compareConfig(base, head) : [],
    definition: asked('definition') ? compareDefinitions(base, head, context) : [],
    model: asked('model') ? compareModels(base, head, context) : [],
    resource: asked('resource') ? compareGraphs(base, head, context) : [],
    policy: asked('policy') ? comparePolicies(base, head, context) : [],
    cost: cost.changes,
    schema: asked('schema') ? compareSchemas(base, head) : [],
    toolchain: asked('toolchain') ? compareToolchains(base, head, context) : [],
  };
  return { levels, monthly: cost.monthly };
}

function compareGraphs(base: Side | undefined, head: Side, { environments }: Context): ResourceChange[] {
  const changes = compareResources(base?.graph ?? [], head.graph ?? []);
  return environments ? withoutPlan(changes) : changes;
}

/** A graph on one side only would read as everything created or deleted. */
function hasWhatItNeeds(level: Level, base: Side | undefined, head: Side): boolean {
  if (level === 'policy' || !graphLevels.includes(level)) return true;
  return head.graph !== undefined && (base === undefined || base.graph !== undefined);
}

function nameOf({ label, digest, binding, render }: Side): SideName {
  return { label, release: digest, binding: binding?.digest ?? null, render: render ?? null };
}

function countChanges({ levels, stateful }: Compared): Counts {
  const resources = levels.resource.filter(isTold);
  const count = (operation: string) => resources.filter((one) => one.operation === operation && !one.component).length;
  const follows = count('follow');
  const { service, config, definition, model, policy, schema, toolchain } = levels;
  const others = [service, config, definition, model, policy, schema, toolchain];
  return {
    changes: resources.length - follows + others.reduce((sum, level) => sum + level.length, 0),
    creates: count('create'),
    updates: count('update'),
    replaces: count('replace'),
    deletes: count('delete'),
    moves: count('move'),
    follows,
    statefulAtRisk: stateful.length,
    violations: policy.filter(({ operation }) => operation === 'broken').length,
  };
}

function judgeChange(compared: Compared, { changes }: Counts, context: Context): Verdict {
  const isEmpty = changes === 0 && everyLevel.every((level) => compared.levels[level].length === 0);
  const unexplained = isEmpty ? findUnexplained(compared, context) : [];
  if (isEmpty && unexplained.length === 0 && compared.leftOut.length === 0) return { level: 'no change', reasons: [] };
  if (context.environments) return { level: isEmpty ? 'no change' : 'different', reasons: [] };
  const found = verdictRules.flatMap((rule) => {
    const own = rule.find(compared).map((reason) => ({ rule: rule.name, level: rule.level, ...reason }));
    return own.sort((left, right) => (left.subject < right.subject ? -1 : 1));
  });
  const reasons = putBehind(found, compared.hosts, compared.levels.resource);
  const [worst] = [...reasons, ...unexplained];
  return { level: worst?.level ?? 'safe', reasons: [...reasons, ...unexplained] };
}

/** Everything was compared and nothing was found, yet the digests differ: nobody may be told that nothing changed. */
function findUnexplained({ base, head }: Compared, { levels, leftOut }: Context): Reason[] {
  const all = everyLevel.every((level) => levels.includes(level));
  if (!all || leftOut.length > 0 || base === null) return [];
  return (['release', 'binding', 'render'] as const).flatMap((part) => {
    const [from, to] = [base[part], head[part]];
    // Nobody made the same release in the same settings again to learn what its render is.
    if (from === to || from === null || to === null) return [];
    const text = `${quote(from)} and ${quote(to)} differ, and no level tells by what`;
    return [{ rule: 'unexplained', level: 'needs review', subject: part, text }];
  });
}
