import versions from '#infra/planning/versions.json' with { type: 'json' };
import { factsOf } from '#policies/facts.ts';
import { judge, packOf, type Finding } from '#policies/pack.ts';
import { projectResource } from '../change/projection.ts';
import { CommandError } from '../errors.ts';
import type { GraphResource } from '../render/graph.ts';

const shownMax = 10;

/** Everything in which a render breaks the rules of its environment: those of this tree, which versions are verified included. */
export function judgeRender(environment: string, graph: readonly GraphResource[]): Finding[] {
  const resources = graph.filter(({ custom }) => custom).map(projectResource);
  return judge({ resources }, packOf(environment, factsOf(versions)));
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
