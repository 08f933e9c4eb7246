import { clusterCharges } from './cluster-charges.ts';
import type { Charging, Surroundings } from './charging.ts';
import { computeCharges } from './compute-charges.ts';
import { dataCharges } from './data-charges.ts';
import { networkCharges } from './network-charges.ts';
import { observabilityCharges } from './observability-charges.ts';
import type { GraphResource } from '../render/graph.ts';

const rules = {
  ...networkCharges,
  ...clusterCharges,
  ...computeCharges,
  ...dataCharges,
  ...observabilityCharges,
};

/** What costs nothing by itself: rules, names, permissions, and what runs on nodes that are counted. */
const freeTypes: readonly RegExp[] = [
  /^aws:iam\//,
  /^aws:vpc\//,
  /^aws:ec2\/(defaultSecurityGroup|egressOnlyInternetGateway|flowLog|internetGateway|launchTemplate|networkInterface|route|routeTable|routeTableAssociation|securityGroup|securityGroupRule|subnet|vpc):/,
  /^aws:eks\/(accessEntry|accessPolicyAssociation|addon|podIdentityAssociation):/,
  /^aws:elasticache\/(parameterGroup|subnetGroup|user|userGroup|userGroupAssociation):/,
  /^aws:s3\/bucket[A-Z]/,
  /^aws:ecr\/(lifecyclePolicy|pullThroughCacheRule|repositoryPolicy|registryPolicy):/,
  /^aws:msk\/(configuration|scramSecretAssociation|singleScramSecretAssociation|clusterPolicy):/,
  /^aws:secretsmanager\/(secretVersion|secretPolicy):/,
  /^aws:rds\/(parameterGroup|subnetGroup):/,
  // A public certificate, and records in a zone that is there already.
  /^aws:acm\//,
  /^aws:route53\/record:/,
  /^aws:sqs\/queuePolicy:/,
  /^aws:sns\/(topicPolicy|topicSubscription):/,
  /^aws:cloudwatch\/(eventRule|eventTarget|logResourcePolicy):/,
  /^aws:costexplorer\//,
  /^aws:budgets\/budget:/,
  /^aws:kms\/alias:/,
  /^(kubernetes|random|pulumi|orrery|eks):/,
];

/** A type of AWS that stands in no rule has no price: it is told, never taken for nothing. */
export function chargingOf(resource: GraphResource, around: Surroundings): Charging {
  const rule = rules[resource.type];
  if (rule !== undefined) return rule(resource, around);
  return freeTypes.some((free) => free.test(resource.type)) ? 'free' : 'no price';
}
