import { isRecord, valueAt, valuesAt, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const exactChart = /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const exactAddon = /^v\d+\.\d+\.\d+-eksbuild\.\d+$/;
const minor = /^\d+\.\d+(\.\d+)*$/;
const datedAlias = /^[a-z0-9]+@v?\d[\w.-]*$/;
/** Another resource's output follows that resource. */
const symbol = /\$\{/;
const moving = /(^|[:@/])latest$/i;

interface Exactness {
  readonly property: string;
  readonly exact: RegExp;
}

const exactOfType: Readonly<Record<string, Exactness>> = {
  'aws:eks/addon:Addon': { property: 'addonVersion', exact: exactAddon },
  'aws:eks/cluster:Cluster': { property: 'version', exact: minor },
  'aws:eks/nodeGroup:NodeGroup': { property: 'version', exact: minor },
  'aws:elasticache/replicationGroup:ReplicationGroup': { property: 'engineVersion', exact: minor },
  'aws:msk/cluster:Cluster': { property: 'kafkaVersion', exact: minor },
  'eks:index:Cluster': { property: 'version', exact: minor },
  'kubernetes:helm.sh/v3:Release': { property: 'version', exact: exactChart },
};

/** Components that make resources which nobody sees before they are made. */
const hiding = /^kubernetes:(helm\.sh\/v[34]:Chart|yaml(\/v2)?:Config(File|Group)|kustomize(\/v2)?:Directory)$/;

export const versionsPinned: Rule = {
  name: 'versions-pinned',
  why: 'what is "latest" changes by itself: a release that was tested is not the one that runs, and none can be returned to',
  remedy: 'take the version from infra/planning/versions.ts; an image of machines by an alias with its version',
  scope: 'resource',
  check: ({ resources }) => resources.flatMap(checkResource),
};

function checkResource(resource: Resource): Violation[] {
  const { type, inputs } = resource;
  if (hiding.test(type)) {
    return [violationAt(resource, { property: 'type', value: type }, 'hides what it makes: take helm.v3.Release')];
  }
  return [
    ...checkExact(resource),
    ...(type === 'kubernetes:helm.sh/v3:Release' ? movingIn({ property: 'values', value: inputs['values'] }) : []).map(
      (found) => violationAt(resource, found, 'moves: name the version'),
    ),
    ...checkMachines(resource),
  ];
}

function checkExact(resource: Resource): Violation[] {
  const demanded = exactOfType[resource.type];
  const kafka = /^kubernetes:kafka\.strimzi\.io\/[^:]+:Kafka$/.test(resource.type);
  const { property, exact } = demanded ?? { property: 'spec.kafka.version', exact: minor };
  if (demanded === undefined && !kafka) return [];
  const value = valueAt(resource.inputs, property);
  if (typeof value === 'string' && (exact.test(value) || symbol.test(value))) return [];
  return [violationAt(resource, { property, value }, 'is no exact version')];
}

/** Image tags in a chart's values. */
function movingIn({ property, value }: LocatedValue): LocatedValue[] {
  if (typeof value === 'string') return moving.test(value) ? [{ property, value }] : [];
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => movingIn({ property: `${property}[${index}]`, value: item }));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => movingIn({ property: `${property}.${key}`, value: item }));
}

function checkMachines(resource: Resource): Violation[] {
  const { type, inputs } = resource;
  if (type === 'aws:ec2/launchTemplate:LaunchTemplate') {
    const value = inputs['imageId'];
    if (typeof value !== 'string' || !/latest|recommended/.test(value)) return [];
    return [violationAt(resource, { property: 'imageId', value }, 'moves: name the image')];
  }
  if (type === 'aws:eks/nodeGroup:NodeGroup') {
    const value = valueAt(inputs, 'launchTemplate.version');
    if (value !== '$Latest' && value !== '$Default') return [];
    return [violationAt(resource, { property: 'launchTemplate.version', value }, 'moves: pass the template’s output')];
  }
  return type === 'kubernetes:karpenter.k8s.aws/v1:EC2NodeClass' ? checkNodeClass(resource) : [];
}

function checkNodeClass(resource: Resource): Violation[] {
  const terms = valuesAt(resource.inputs, 'spec.amiSelectorTerms[]');
  if (terms.length === 0) {
    const found = { property: 'spec.amiSelectorTerms', value: undefined };
    return [violationAt(resource, found, 'names no image of machines')];
  }
  return terms
    .filter(({ value }) => !isFixedImage(value))
    .map((found) => violationAt(resource, found, 'selects what is newest: name an alias with its version, or an id'));
}

function isFixedImage(term: unknown): boolean {
  if (!isRecord(term)) return false;
  const { id, alias } = term;
  return (typeof id === 'string' && id.startsWith('ami-')) || (typeof alias === 'string' && datedAlias.test(alias));
}
