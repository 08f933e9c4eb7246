import type { Graph, Resource } from './graph.ts';

/** What an environment allows, where environments differ. The rules are the same everywhere. */
export interface Environment {
  /** For example `prod`. */
  readonly name: string;
  /** Who reaches the API of Kubernetes: the ranges that are listed, or only who is inside the network. */
  readonly apiAccess: 'listed-ranges' | 'private';
}

export interface Violation {
  /** `type name` of the resource that is at fault. */
  readonly resource: string;
  /** Where in its inputs, for example `ingress[0].cidrBlocks[1]`, or the option `protect` or `retainOnDelete`. */
  readonly property: string;
  /** What stands there; undefined when nothing does. */
  readonly value: unknown;
  /** What is wrong with it, in this case. */
  readonly problem: string;
}

/** One thing that must hold of every graph. Pure: the same graph and environment give the same violations, in the graph's order. */
export interface Rule {
  /** The file's name. */
  readonly name: string;
  /** What happens to people or data when it is broken. */
  readonly why: string;
  /** What to change. */
  readonly remedy: string;
  check(graph: Graph, environment: Environment): Violation[];
}

export function violationAt(
  { type, name }: Resource,
  { property, value }: { readonly property: string; readonly value: unknown },
  problem: string,
): Violation {
  return { resource: `${type} ${name}`, property, value, problem };
}
