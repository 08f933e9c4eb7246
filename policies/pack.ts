import { gpuCapAgrees } from './gpu-cap-agrees.ts';
import type { Graph } from './graph.ts';
import { imagesByDigest } from './images-by-digest.ts';
import { noOpenEndpoint } from './no-open-endpoint.ts';
import { redisPolicies } from './redis-policies.ts';
import type { Environment, Rule, Violation } from './rule.ts';
import { statefulIsProtected } from './stateful-is-protected.ts';

/** The rules that an environment is judged by, and what it allows. */
export interface Pack {
  readonly environment: Environment;
  readonly rules: readonly Rule[];
}

export interface Finding extends Violation {
  /** Name of the rule that is broken. */
  readonly rule: string;
}

const rules: readonly Rule[] = [noOpenEndpoint, statefulIsProtected, imagesByDigest, gpuCapAgrees, redisPolicies];

const environments: readonly Environment[] = [
  { name: 'dev', apiAccess: 'listed-ranges' },
  { name: 'prod', apiAccess: 'private' },
];

/** An environment that nobody has listed is judged as strictly as prod. */
export function packOf(name: string): Pack {
  return { environment: environments.find((one) => one.name === name) ?? { name, apiAccess: 'private' }, rules };
}

/** Everything in which a graph breaks its pack, by rule and then in the graph's order; empty when it may be deployed. */
export function judge(graph: Graph, { environment, rules: judging }: Pack): Finding[] {
  return judging.flatMap((rule) =>
    rule.check(graph, environment).map((violation) => ({ rule: rule.name, ...violation })),
  );
}
