import { createdOrChanged, type AdmissionRule } from './admission-rule.ts';

export const objectRules: readonly AdmissionRule[] = [
  {
    name: 'load-balancers-listed',
    why: 'without a list of ranges a load balancer admits the internet',
    message: 'spec.loadBalancerSourceRanges lists who may come, and none of them is everybody',
    match: { apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: createdOrChanged },
    expression: [
      "!has(object.spec.type) || object.spec.type != 'LoadBalancer'",
      `(${[
        'has(object.spec.loadBalancerSourceRanges)',
        'size(object.spec.loadBalancerSourceRanges) > 0',
        "object.spec.loadBalancerSourceRanges.all(r, !r.endsWith('/0'))",
      ].join(' && ')})`,
    ].join(' || '),
  },
  {
    name: 'no-node-ports',
    why: 'a port of every node goes round the gateway, its keys and its quotas',
    message: 'reach a Service by the gateway: ClusterIP',
    match: { apiGroups: [''], apiVersions: ['v1'], resources: ['services'], operations: createdOrChanged },
    expression: [
      "(!has(object.spec.type) || object.spec.type != 'NodePort')",
      '(!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0)',
    ].join(' && '),
  },
  {
    name: 'drains-not-blocked',
    why: 'a budget that spares no pod keeps its node for ever',
    message: 'maxUnavailable is at least 1, minAvailable less than all',
    match: {
      apiGroups: ['policy'],
      apiVersions: ['v1'],
      resources: ['poddisruptionbudgets'],
      operations: createdOrChanged,
    },
    expression: [
      "(!has(object.spec.maxUnavailable) || !(string(object.spec.maxUnavailable) in ['0', '0%']))",
      "(!has(object.spec.minAvailable) || string(object.spec.minAvailable) != '100%')",
    ].join(' && '),
  },
];
