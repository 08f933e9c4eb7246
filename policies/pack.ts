import { bucketsClosed } from './buckets-closed.ts';
import { controlPlaneGuarded } from './control-plane-guarded.ts';
import { dataBackedUp } from './data-backed-up.ts';
import { deletionRefused } from './deletion-refused.ts';
import { drainsNotBlocked } from './drains-not-blocked.ts';
import { encryptedAtRest } from './encrypted-at-rest.ts';
import { encryptedInTransit } from './encrypted-in-transit.ts';
import { gatewaysEncrypted } from './gateways-encrypted.ts';
import { gpuCapAgrees } from './gpu-cap-agrees.ts';
import { gpuPoolsTainted } from './gpu-pools-tainted.ts';
import type { Graph } from './graph.ts';
import { imagesByDigest } from './images-by-digest.ts';
import { leastPrivilege } from './least-privilege.ts';
import { logsKept } from './logs-kept.ts';
import { mandatoryTags } from './mandatory-tags.ts';
import { namespacesClosed } from './namespaces-closed.ts';
import { networkObserved } from './network-observed.ts';
import { noOpenEndpoint } from './no-open-endpoint.ts';
import { noPhysicalNames } from './no-physical-names.ts';
import { nodesGuarded } from './nodes-guarded.ts';
import { podsBounded } from './pods-bounded.ts';
import { podsRestricted } from './pods-restricted.ts';
import { poolsCalm } from './pools-calm.ts';
import { providersSafe } from './providers-safe.ts';
import { redisPolicies } from './redis-policies.ts';
import { registriesImmutable } from './registries-immutable.ts';
import { releasesLocked } from './releases-locked.ts';
import type { Environment, Facts, Rule, Violation } from './rule.ts';
import { spendingWatched } from './spending-watched.ts';
import { spotIsDiverse } from './spot-is-diverse.ts';
import { statefulIsProtected } from './stateful-is-protected.ts';
import { versionsPinned } from './versions-pinned.ts';
import { versionsVerified } from './versions-verified.ts';
import { workersFitPartitions } from './workers-fit-partitions.ts';

/** The rules that an environment is judged by, and what it allows. */
export interface Pack {
  readonly environment: Environment;
  readonly rules: readonly Rule[];
}

export interface Finding extends Violation {
  /** Name of the rule that is broken. */
  readonly rule: string;
}

/** What is judged in tests, by `orrery policy`, in the engine. */
const rules: readonly Rule[] = [
  noOpenEndpoint,
  controlPlaneGuarded,
  networkObserved,
  leastPrivilege,
  encryptedAtRest,
  encryptedInTransit,
  statefulIsProtected,
  deletionRefused,
  dataBackedUp,
  bucketsClosed,
  releasesLocked,
  registriesImmutable,
  redisPolicies,
  imagesByDigest,
  versionsPinned,
  versionsVerified,
  gpuCapAgrees,
  gpuPoolsTainted,
  spotIsDiverse,
  poolsCalm,
  nodesGuarded,
  workersFitPartitions,
  drainsNotBlocked,
  podsRestricted,
  podsBounded,
  namespacesClosed,
  gatewaysEncrypted,
  providersSafe,
  noPhysicalNames,
  logsKept,
  mandatoryTags,
  spendingWatched,
];

type Limits = Omit<Environment, 'name' | 'facts'>;

const development: Limits = {
  apiAccess: 'listed-ranges',
  releaseLock: { modes: ['GOVERNANCE', 'COMPLIANCE'], daysMin: 1 },
  deletion: 'allowed',
  logDaysMin: { any: 1, audit: 1 },
  backupDaysMin: 0,
  unverifiedVersions: 'allowed',
};

const production: Limits = {
  apiAccess: 'private',
  releaseLock: { modes: ['COMPLIANCE'], daysMin: 365 },
  deletion: 'refused',
  logDaysMin: { any: 30, audit: 365 },
  backupDaysMin: 7,
  unverifiedVersions: 'refused',
};

/** An environment that nobody has listed is judged as strictly as prod. */
export function packOf(name: string, facts?: Facts): Pack {
  const limits = name === 'dev' ? development : production;
  return { environment: { name, ...limits, ...(facts === undefined ? {} : { facts }) }, rules };
}

/** Everything in which a graph breaks its pack, by rule and then in the graph's order; empty when it may be deployed. */
export function judge(graph: Graph, { environment, rules: judging }: Pack): Finding[] {
  return judging.flatMap((rule) =>
    rule.check(graph, environment).map((violation) => ({ rule: rule.name, ...violation })),
  );
}
