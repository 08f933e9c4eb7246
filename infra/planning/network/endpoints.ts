import { PlanError } from '#infra/errors.ts';
import type { NatMode } from './nat.ts';

/** AWS services that have an interface endpoint in every region, by the last part of the endpoint's name. */
export const interfaceServices = [
  'autoscaling',
  'ec2',
  'ecr.api',
  'ecr.dkr',
  'eks',
  'eks-auth',
  'elasticloadbalancing',
  'emr-containers',
  'events',
  'kms',
  'logs',
  'monitoring',
  'secretsmanager',
  'sqs',
  'ssm',
  'sts',
] as const;
export type InterfaceService = (typeof interfaceServices)[number];

/** Without these no node joins the cluster, pulls an image or gets credentials, and Karpenter starts none. */
const neededByNodes: readonly InterfaceService[] = [
  'ec2',
  'ecr.api',
  'ecr.dkr',
  'eks',
  'eks-auth',
  'sqs',
  'ssm',
  'sts',
];

export interface EndpointsRequest {
  readonly region: string;
  readonly nat: NatMode;
  /** Each once. */
  readonly interfaceEndpoints: readonly InterfaceService[];
}

export interface EndpointPlan {
  readonly service: string;
  /** For example `com.amazonaws.eu-west-1.sqs`. */
  readonly serviceName: string;
  readonly type: 'Gateway' | 'Interface';
}

/** S3 and DynamoDB always, because gateways to them are free, then what is asked for. Refuses a network from which nodes reach nobody. */
export function planEndpoints({ region, nat, interfaceEndpoints }: EndpointsRequest): EndpointPlan[] {
  if (new Set(interfaceEndpoints).size !== interfaceEndpoints.length) {
    throw refuse(`an endpoint stands twice in ${interfaceEndpoints.join(', ')}`, 'name each once');
  }
  const missing = nat === 'none' ? neededByNodes.filter((service) => !interfaceEndpoints.includes(service)) : [];
  if (missing.length > 0) {
    throw refuse(
      `nat is none, and nodes reach ${missing.join(', ')} by no endpoint`,
      'add them to interfaceEndpoints, or choose another nat',
    );
  }
  const endpoint = (type: EndpointPlan['type']) => (service: string) => ({
    service,
    serviceName: `com.amazonaws.${region}.${service}`,
    type,
  });
  return [...['s3', 'dynamodb'].map(endpoint('Gateway')), ...interfaceEndpoints.map(endpoint('Interface'))];
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'ENDPOINTS_INVALID', message, hint });
}
