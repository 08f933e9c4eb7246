import { signatures } from './values.ts';

type Given = Readonly<Record<string, unknown>>;
type MarkOf = (path: string) => string;
type Shape = (given: Given, markOf: MarkOf) => Record<string, unknown>;

/**
 * What a provider adds inside an input that the program gave, by type. An output that is no input needs no line here: whatever
 * is read of it becomes a symbol (`${cluster.identities[0].oidcs[0].issuer}`). Only where given and added fields stand side by
 * side in one map must the added ones be named, or reading them would give nothing.
 */
const shapes: Readonly<Record<string, Shape>> = {
  // EKS makes the shared security group and knows the network of the subnets.
  'aws:eks/cluster:Cluster': ({ vpcConfig }, markOf) => ({
    vpcConfig: addFields(vpcConfig, 'vpcConfig', ['clusterSecurityGroupId', 'vpcId'], markOf),
  }),
};

/** Every object of Kubernetes has a name, a namespace and an identity, given or not. */
const kubernetesObject: Shape = ({ metadata }, markOf) => ({
  metadata: addFields(metadata, 'metadata', ['name', 'namespace', 'uid'], markOf),
});

export function addedFields(type: string, given: Given, markOf: MarkOf): Record<string, unknown> {
  const shape = type.startsWith('kubernetes:') ? kubernetesObject : shapes[type];
  return shape === undefined ? {} : shape(given, markOf);
}

function addFields(given: unknown, at: string, fields: readonly string[], markOf: MarkOf): unknown {
  // A map that comes from another resource whole, or as a secret, is not known field by field.
  const isMap = typeof given === 'object' && given !== null && !(signatures.key in given);
  if (given !== undefined && !isMap) return given;
  const added = fields.map((field) => [field, markOf(`${at}.${field}`)]);
  return { ...Object.fromEntries(added), ...(isMap ? given : {}) };
}
