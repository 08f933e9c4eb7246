import type { GraphResource } from '../render/graph.ts';
import type { Reason, ResourceChange } from './change.ts';
import { placesByOwner } from './follows.ts';
import { nameOfUrn } from '../render/symbols.ts';
import { isStateful } from './projection.ts';

/** What others lie in and can't be moved out of: a network, a cluster. */
export interface ReplacedHost {
  readonly name: string;
  /** The properties that replace it, or what it follows. */
  readonly because: readonly string[];
  /** Names of what lies in it. */
  readonly members: readonly string[];
  /** Names of what is replaced because of it: itself, what lies in it, and the providers that make it there. */
  readonly explains: readonly string[];
  /** Those of them that hold data. */
  readonly stateful: readonly string[];
}

interface HostKind {
  /** What of those that refer to it lies in it, rather than beside it. */
  readonly holds: (type: string) => boolean;
}

/** Lies in no network, whatever it refers to. */
const outside = /^(aws:(cloudwatch|dynamodb|ecr|iam|kms|s3|secretsmanager)\/|random:|pulumi:providers:aws$)/;

const clusterType = 'aws:eks/cluster:Cluster';

/** By type. No provider moves what lies in these to another one: it is made again there, and empty. */
const kinds: Readonly<Record<string, HostKind>> = {
  'aws:ec2/vpc:Vpc': { holds: (type) => !outside.test(type) },
  [clusterType]: { holds: (type) => /^(kubernetes:|aws:eks\/|pulumi:providers:kubernetes$)/.test(type) },
};

/** The rule that tells of them, and those of its findings that it explains. */
export const hostRule = 'network-replaced';
const explained: readonly string[] = [
  'resource-replaced',
  'replacement-follows',
  'protected-refused',
  'stateful-at-risk',
];

/** Every network and cluster that is replaced, with all that lies in it; one that lies in another of them is among that one's. */
export function findReplacedHosts(graph: readonly GraphResource[], changes: readonly ResourceChange[]): ReplacedHost[] {
  const replaced = changes.filter((change) => change.type in kinds && isReplaced(change));
  if (replaced.length === 0) return [];
  const places = placesByOwner(graph);
  const byUrn = new Map(graph.map((resource) => [resource.urn, resource]));
  const found = replaced.flatMap((change) => {
    const host = byUrn.get(change.urn);
    return host === undefined ? [] : [{ change, members: membersOf(host, { graph, byUrn, places }) }];
  });
  const inner = new Set(found.flatMap(({ members }) => members.map(({ urn }) => urn)));
  return found
    .filter(({ change }) => !inner.has(change.urn))
    .map(({ change, members }) => ({
      name: change.name,
      because: becauseOf(change),
      members: members
        .filter(({ type }) => !type.startsWith('pulumi:'))
        .map(({ name }) => name)
        .sort(),
      explains: [change.name, ...members.map(({ name }) => name)],
      stateful: members
        .filter(isStateful)
        .map(({ name }) => name)
        .sort(),
    }));
}

interface Surroundings {
  readonly graph: readonly GraphResource[];
  readonly byUrn: ReadonlyMap<string, GraphResource>;
  readonly places: ReturnType<typeof placesByOwner>;
}

/** Whatever refers to it, directly or through others that lie in it. */
function membersOf(host: GraphResource, { graph, byUrn, places }: Surroundings): GraphResource[] {
  const kind = kinds[host.type];
  const seen = new Set([host.urn]);
  const open = [host];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const referring = (places.get(at.urn) ?? []).flatMap(({ urn }) => byUrn.get(urn) ?? []);
    for (const resource of [...referring, ...namingCluster(at, graph)]) {
      if (seen.has(resource.urn) || kind?.holds(resource.type) !== true) continue;
      seen.add(resource.urn);
      open.push(resource);
    }
  }
  seen.delete(host.urn);
  return [...seen].flatMap((urn) => byUrn.get(urn) ?? []);
}

/** Nodes, addons and entries name their cluster by a text that both of them have. */
function namingCluster({ type, inputs }: GraphResource, graph: readonly GraphResource[]): GraphResource[] {
  const name = type === clusterType ? inputs['name'] : undefined;
  if (typeof name !== 'string') return [];
  return graph.filter((one) => one.type.startsWith('aws:eks/') && one.inputs['clusterName'] === name);
}

function isReplaced({ operation, follows = [] }: ResourceChange): boolean {
  return operation === 'replace' || follows.some(({ effect }) => effect === 'replace');
}

function becauseOf({ properties, follows = [] }: ResourceChange): string[] {
  const own = properties.filter(({ effect }) => effect === 'replace').map(({ path }) => path);
  return own.length > 0 ? own : follows.map(({ of, path }) => `${path} follows ${nameOfUrn(of)}`);
}

/** Marks what a replaced host explains: that it is replaced, and what that does to all in it. */
export function putBehind(
  reasons: readonly Reason[],
  hosts: readonly ReplacedHost[],
  changes: readonly ResourceChange[],
): Reason[] {
  const names = new Set(hosts.flatMap(({ explains }) => explains));
  // What is replaced or deleted for a reason of its own, and protected, is told by itself.
  const refused = changes.filter(
    ({ fate, operation }) => fate === 'refused' && ['replace', 'delete'].includes(operation),
  );
  const alone = new Set(refused.map(({ name }) => name));
  return reasons.map((reason) => {
    const { rule, subject } = reason;
    const isBehind =
      explained.includes(rule) && names.has(subject) && !(rule === 'protected-refused' && alone.has(subject));
    return isBehind ? { ...reason, behind: hostRule } : reason;
  });
}
