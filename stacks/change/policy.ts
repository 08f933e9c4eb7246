import { judge, packOf, type Finding, type Pack } from '#policies/pack.ts';
import type { GraphResource } from '../render/graph.ts';
import type { PolicyChange } from './change.ts';
import { projectGraph } from './projection.ts';
import type { Context, Side } from './side.ts';

/** Violations that the head has and the base had not, those that are gone, and rules that came or went. Today's rules on both. */
export function comparePolicies(
  base: Side | undefined,
  head: Side,
  { environment, pack = packOf }: Context,
): PolicyChange[] {
  const rules = compareRules(base, head);
  if (environment === null || head.graph === undefined) return rules;
  const judging = pack(environment);
  const [before, after] = [findingsOf(base?.graph ?? [], judging), findingsOf(head.graph, judging)];
  return [
    ...[...after].filter(([key]) => !before.has(key)).map(([, finding]) => tell('broken', finding)),
    ...[...before].filter(([key]) => !after.has(key)).map(([, finding]) => tell('cleared', finding)),
    ...rules,
  ];
}

/** By rule and place: another value that breaks the same rule there is no other violation. */
function findingsOf(graph: readonly GraphResource[], pack: Pack): Map<string, Finding> {
  const findings = judge(projectGraph(graph), pack);
  return new Map(findings.map((finding) => [`${finding.rule} ${finding.resource} ${finding.property}`, finding]));
}

function tell(operation: 'broken' | 'cleared', { rule, resource, property, problem }: Finding): PolicyChange {
  return { operation, rule, resource, property, problem };
}

function compareRules(base: Side | undefined, head: Side): PolicyChange[] {
  const [before, after] = [base?.release.policies.rules, head.release.policies.rules];
  if (before === undefined) return [];
  const none = { resource: '', property: '', problem: '' };
  return [
    ...after
      .filter((rule) => !before.includes(rule))
      .map((rule) => ({ operation: 'rule added' as const, rule, ...none })),
    ...before
      .filter((rule) => !after.includes(rule))
      .map((rule) => ({ operation: 'rule removed' as const, rule, ...none })),
  ];
}
