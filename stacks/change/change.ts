import type { Digest } from '@orrery/contracts/digest';
import type { ValueChange } from './values.ts';

/** What is compared, in the order in which it is told. */
export const levels = [
  'service',
  'config',
  'definition',
  'model',
  'resource',
  'policy',
  'cost',
  'schema',
  'toolchain',
] as const;
export type Level = (typeof levels)[number];

/** The levels that need the graph of both sides. */
export const graphLevels: readonly Level[] = ['resource', 'policy', 'cost'];

/**
 * Everything by which two sides differ: the answer of `orrery diff --json` and `orrery preview --json`. Equal sides give the verdict
 * `no change` and every level empty. A secret is never in it, only what the secret refers to.
 */
export interface Change {
  readonly schema: 1;
  /** Whose rules judged, and in whose binding releases were rendered; null where no environment was meant. */
  readonly environment: string | null;
  /** Null where the environment has no pin: then everything is created. */
  readonly base: SideName | null;
  readonly head: SideName;
  readonly verdict: Verdict;
  readonly counts: Counts;
  /** What of the stateful is replaced, deleted, or loses its protection: told first, always. */
  readonly stateful: readonly StatefulChange[];
  readonly levels: ChangeLevels;
  /** What the platform costs in a month on either side; null where no graph or no price list was there. */
  readonly monthly: {
    readonly base: Monthly | null;
    readonly head: Monthly | null;
    /** Null where one of them is; without a base everything is a difference. */
    readonly difference: MonthlyDifference | null;
  };
  /** Levels that were asked for: the verdict knows of nothing else. */
  readonly compared: readonly Level[];
  /** Levels that were asked for and could not be compared, and why. */
  readonly leftOut: readonly LeftOut[];
}

export interface SideName {
  readonly label: string;
  readonly release: Digest;
  readonly binding: Digest | null;
  readonly render: Digest | null;
}

export interface Verdict {
  /** `different`: two environments were compared, nothing is going to be changed. */
  readonly level: 'no change' | 'safe' | 'needs review' | 'blocked' | 'different';
  /** Blocking ones first, then by rule and subject. */
  readonly reasons: readonly Reason[];
}

export interface Reason {
  /** Name of the rule, see verdict.ts. */
  readonly rule: string;
  readonly level: 'needs review' | 'blocked';
  readonly subject: string;
  /** What comes from outside (a path, a name, a value) stands between backticks. */
  readonly text: string;
  /** Name of the rule that explains it, where one does: for people that one is enough. */
  readonly behind?: string;
}

export interface Counts {
  /** Entries of all levels but cost, which follows from the others, and without the resources that only follow. */
  readonly changes: number;
  readonly creates: number;
  readonly updates: number;
  readonly replaces: number;
  readonly deletes: number;
  readonly moves: number;
  readonly follows: number;
  readonly statefulAtRisk: number;
  readonly violations: number;
}

export interface LeftOut {
  readonly level: Level;
  readonly reason: string;
}

export interface ChangeLevels {
  readonly service: readonly ServiceChange[];
  readonly config: readonly ConfigChange[];
  readonly definition: readonly DefinitionChange[];
  readonly model: readonly ModelChange[];
  readonly resource: readonly ResourceChange[];
  readonly policy: readonly PolicyChange[];
  readonly cost: readonly CostChange[];
  readonly schema: readonly SchemaChange[];
  readonly toolchain: readonly ToolchainChange[];
}

export type Operation = 'added' | 'removed' | 'changed';

/** Before and after; null where there is nothing. */
export interface Moved<T> {
  readonly before: T | null;
  readonly after: T | null;
}

/** Why a service's own version changed. */
export type ServiceCause =
  | 'code'
  | 'image base'
  | 'image recipe'
  | 'dependencies'
  | 'native packages'
  | 'runtime'
  | 'config'
  | 'contract'
  | 'definitions';

export interface ServiceChange {
  readonly name: string;
  readonly operation: Operation;
  readonly own: Moved<Digest>;
  readonly closure: Moved<Digest>;
  /** Empty where only the closure changed, because of a peer. */
  readonly causes: readonly ServiceCause[];
  /** Peers whose change is why the closure changed. */
  readonly peers: readonly string[];
  /** What others rely on: events, key spaces, kinds of definition, peers. */
  readonly contract: readonly ValueChange[];
  /** Null where a bundle was not in the store. */
  readonly files: readonly FileChange[] | null;
}

export interface FileChange {
  readonly path: string;
  readonly operation: Operation;
  readonly bytes: Moved<number>;
}

export interface ConfigChange extends ValueChange {
  /** `settings` for the environment's, `secrets` for names of secrets, otherwise the service whose manifest says it. */
  readonly of: string;
}

export interface DefinitionChange {
  readonly path: string;
  readonly services: readonly string[];
  readonly operation: Operation;
  readonly digest: Moved<Digest>;
  /** Null where it can't be told field by field: it is no YAML, or not in the store. */
  readonly fields: readonly ValueChange[] | null;
}

export interface ModelChange {
  readonly model: string;
  readonly pair: Moved<Digest>;
  /** As training measured it; null where the pair is not in the store. */
  readonly metric: Moved<ModelMetric>;
}

export interface ModelMetric {
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
}

/**
 * `move`: an alias keeps it, nothing is deleted. `options`: only what the engine does with it changes. `follow`: it does not
 * change itself, but what it refers to is replaced.
 */
export type ResourceOperation = 'create' | 'update' | 'replace' | 'delete' | 'move' | 'options' | 'follow';

export interface ResourceChange {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly operation: ResourceOperation;
  /** True for a component: it groups, no provider makes it. */
  readonly component: boolean;
  /** For a component that was expanded, where its children change too. */
  readonly toldBy?: 'children';
  readonly stateful: boolean;
  readonly properties: readonly PropertyChange[];
  readonly options: readonly ValueChange[];
  /** For a delete or a replacement. `refused`: protected, the engine will refuse. `kept`: no longer managed, but not destroyed. */
  readonly fate?: 'destroyed' | 'refused' | 'kept';
  /** For a replacement: which of the two comes first. */
  readonly order?: 'create first' | 'delete first';
  /** For an update of a type that the table of replacements does not know. */
  readonly mayReplace?: boolean;
  /** For a move: the URN under which it was. */
  readonly movedFrom?: string;
  /** For a delete: a resource of the same type and inputs that is created. An alias would keep this one. */
  readonly renamedTo?: string;
  /** What it refers to that is replaced, and what that does to it. */
  readonly follows?: readonly Follow[];
}

export interface PropertyChange extends ValueChange {
  /** `refuse`: neither update nor replacement: the API does not accept it. `ignore`: listed in ignoreChanges. */
  readonly effect?: 'replace' | 'may replace' | 'refuse' | 'ignore';
}

export interface Follow {
  /** URN of what is replaced. */
  readonly of: string;
  /** Where it is referred to. */
  readonly path: string;
  readonly effect: 'update' | 'may replace' | 'replace';
}

export interface StatefulChange {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly what: 'replaced' | 'deleted' | 'may be replaced' | 'unprotected';
  readonly fate: 'destroyed' | 'refused' | 'kept' | 'at risk';
  /** Which property, or what it follows. */
  readonly because: readonly string[];
}

export interface PolicyChange {
  readonly operation: 'broken' | 'cleared' | 'rule added' | 'rule removed';
  readonly rule: string;
  /** `type name`; empty for a rule that was added or removed. */
  readonly resource: string;
  readonly property: string;
  readonly problem: string;
}

export interface CostChange {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** USD a month at the least size; null on a side where it is not there, or has no price. */
  readonly monthly: Moved<number>;
  /** USD a month at the most that it may grow to. */
  readonly most: Moved<number>;
  /** True where a price in it is an estimate. */
  readonly estimate: boolean;
  /** True on a side where it is there and nobody knows what it costs: then neither is the difference known. */
  readonly unpriced: { readonly before: boolean; readonly after: boolean };
}

/** What is known of how a month's cost differs. */
export interface MonthlyDifference {
  /** Resources that change and have no price on one side: what they cost on the other is in neither sum. */
  readonly unknown: number;
  readonly usd: Moved<number>;
  readonly mostUsd: Moved<number>;
}

export interface Monthly {
  readonly usd: number;
  readonly mostUsd: number;
  /** Part of `usd` that rests on estimated prices. */
  readonly estimatedUsd: number;
  /** What has no price in the list, or is billed by use: type and how many of it. */
  readonly unpriced: readonly { readonly type: string; readonly count: number; readonly why: 'no price' | 'by use' }[];
  readonly asOf: string;
}

export interface SchemaChange {
  readonly kind: 'migration' | 'topic' | 'key space';
  readonly name: string;
  /** `moved`: a key space that lies in the other Redis. */
  readonly operation: Operation | 'moved';
  /** For a migration. */
  readonly phase?: 'expand' | 'backfill' | 'contract';
  readonly fields: readonly ValueChange[];
}

export interface ToolchainChange {
  /** For example `node`, `provider @pulumi/aws`, `package fastify`, `price list`, `policies`, `infrastructure program`. */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}
