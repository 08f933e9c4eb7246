import { isOneOf, isTrue, unmet, type Demand } from './demand.ts';
import { listOf, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const logTypes: readonly string[] = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];

const demandsOfType: Readonly<Record<string, readonly Demand[]>> = {
  'aws:eks/cluster:Cluster': demands('accessConfig.', 'vpcConfig.'),
  'eks:index:Cluster': demands('', ''),
};

export const controlPlaneGuarded: Rule = {
  name: 'control-plane-guarded',
  why: 'nobody can tell who did what in the cluster, or everybody who made it rules it for ever',
  remedy: 'all five logs, access entries alone (API), the endpoint inside the network, standard support',
  scope: 'resource',
  check: ({ resources }) =>
    resources.flatMap((resource) => {
      const found = demandsOfType[resource.type];
      return found === undefined ? [] : [...unmet(resource, found), ...checkLogs(resource)];
    }),
};

function demands(access: string, network: string): Demand[] {
  return [
    { property: `${access}authenticationMode`, accepts: isOneOf('API'), problem: 'must be API' },
    { property: `${network}endpointPrivateAccess`, accepts: isTrue, problem: 'sends nodes around by the internet' },
    {
      property: 'upgradePolicy.supportType',
      accepts: isOneOf('STANDARD'),
      problem: 'stays on an old version, at six times the price',
    },
  ];
}

function checkLogs(cluster: Resource): Violation[] {
  const property = 'enabledClusterLogTypes';
  const value = cluster.inputs[property];
  const missing = logTypes.filter((type) => !listOf(value).includes(type));
  return missing.length === 0 ? [] : [violationAt(cluster, { property, value }, `lacks ${missing.join(', ')}`)];
}
