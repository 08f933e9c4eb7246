import versions from '#infra/planning/versions.json' with { type: 'json' };
import { factsOf } from '#policies/facts.ts';
import { judge, packOf, type Finding, type Pack } from '#policies/pack.ts';
import { projectGraph } from '../change/projection.ts';
import { CommandError } from '../errors.ts';
import type { GraphResource } from '../render/graph.ts';

const shownMax = 10;

/** The rules of an environment, those of this tree, with what it knows of which versions are verified. */
export function packOfTree(environment: string): Pack {
  return packOf(environment, factsOf(versions));
}

/** Everything in which a render breaks the rules of its environment. */
export function judgeRender(environment: string, graph: readonly GraphResource[]): Finding[] {
  return judge(projectGraph(graph), packOfTree(environment));
}

/** Throws `POLICY_BROKEN`, naming the first that is broken and how many more. */
export function assertPoliciesHold(environment: string, graph: readonly GraphResource[]): void {
  const findings = judgeRender(environment, graph);
  if (findings.length === 0) return;
  const lines = findings
    .slice(0, shownMax)
    .map((one) => `  ${one.rule}: ${one.resource} at ${one.property}: ${one.problem}`);
  const more = findings.length > shownMax ? [`  and ${findings.length - shownMax} more`] : [];
  throw new CommandError({
    code: 'POLICY_BROKEN',
    message: `what ${environment} is pinned to breaks ${findings.length} rules:\n${[...lines, ...more].join('\n')}`,
    hint: `nothing was changed. Why, and what to do: npx orrery policy ${environment}; then pin a release that holds to them`,
    exitCode: 3,
  });
}
