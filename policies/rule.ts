import type { Graph, Resource } from './graph.ts';

/** What an environment allows, where environments differ. The rules are the same everywhere. */
export interface Environment {
  /** For example `prod`. */
  readonly name: string;
  /** Who reaches the API of Kubernetes: the ranges that are listed, or only who is inside the network. */
  readonly apiAccess: 'listed-ranges' | 'private';
  /** What keeps a release from being deleted: GOVERNANCE yields to who may bypass it, COMPLIANCE to nobody. */
  readonly releaseLock: { readonly modes: readonly string[]; readonly daysMin: number };
  /** Whether the cloud itself has to refuse a deletion, beside the engine. */
  readonly deletion: 'allowed' | 'refused';
  /** How long logs are kept at least, in days: of anything, and of who did what in the cluster. */
  readonly logDaysMin: { readonly any: number; readonly audit: number };
  /** How many days of snapshots of state are kept at least; 0 where data may be lost with its volume. */
  readonly backupDaysMin: number;
  /** Whether versions may be used that nobody has looked up at their publisher. */
  readonly unverifiedVersions: 'allowed' | 'refused';
  /** What is known of other people's software. Undefined where nobody has told it: then no version is judged by it. */
  readonly facts?: Facts;
}

export interface Facts {
  readonly versions: readonly ListedVersion[];
}

/** One line of the list of other people's software. */
export interface ListedVersion {
  readonly kind: 'addon' | 'chart' | 'engine' | 'image';
  /** As the graph has it: of an addon or a chart its name, of an engine `valkey`, of an image its repository. */
  readonly name: string;
  readonly version: string;
  /** Whether its publisher's own interface has been asked. */
  readonly verified: boolean;
}

export interface Violation {
  /** `type name` of the resource that is at fault, or `graph` when what is at fault is missing from all of it. */
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
  /**
   * `graph` where a resource can only be judged beside others; `resource` where it is judged alone, which an engine can do before it
   * makes anything.
   */
  readonly scope: 'graph' | 'resource';
  check(graph: Graph, environment: Environment): Violation[];
}

export function violationAt(
  { type, name }: Resource,
  { property, value }: { readonly property: string; readonly value: unknown },
  problem: string,
): Violation {
  return { resource: `${type} ${name}`, property, value, problem };
}

/** For what the graph as a whole lacks. */
export function missingFrom(property: string, problem: string): Violation {
  return { resource: 'graph', property, value: undefined, problem };
}
