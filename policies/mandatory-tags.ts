import { isRecord, listOf, ofType, parsed, valueAt, type Graph, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

export const requiredTags: readonly string[] = ['project', 'environment', 'owner', 'cost-center', 'managed-by'];

const providerType = 'pulumi:providers:aws';

/** What a machine and its disks are tagged by: the provider's default tags do not reach what AWS makes of a template. */
const taggedByTemplate: readonly string[] = ['instance', 'volume'];

export const mandatoryTags: Rule = {
  name: 'mandatory-tags',
  why: 'what has no tags belongs to nobody on the bill, and no budget counts it',
  remedy: 'pass planTags() to the provider’s defaultTags, and the same to launch templates and node classes',
  scope: 'graph',
  check: (graph) => graph.resources.flatMap((resource) => checkResource(graph, resource)),
};

function checkResource(graph: Graph, resource: Resource): Violation[] {
  const { type, inputs } = resource;
  if (type === providerType) return missingTags(resource, tagsOfProvider(inputs));
  if (type === 'aws:ec2/launchTemplate:LaunchTemplate') return checkTemplate(resource);
  if (type === 'kubernetes:karpenter.k8s.aws/v1:EC2NodeClass') {
    return missingTags(resource, { property: 'spec.tags', value: valueAt(inputs, 'spec.tags') });
  }
  return checkProvider(graph, resource);
}

function checkProvider(graph: Graph, resource: Resource): Violation[] {
  const { type, providers } = resource;
  if (!/^(aws|eks):/.test(type) || providers === undefined) return [];
  const tagging = ofType(graph, providerType).map(({ name }) => name);
  if (providers.some((name) => tagging.includes(name))) return [];
  return [violationAt(resource, { property: 'provider', value: providers[0] }, 'is made by a provider without tags')];
}

function tagsOfProvider(inputs: Resource['inputs']): LocatedValue {
  return { property: 'defaultTags.tags', value: valueAt(parsed(inputs['defaultTags']), 'tags') };
}

function checkTemplate(resource: Resource): Violation[] {
  const specifications = listOf(resource.inputs['tagSpecifications']);
  return taggedByTemplate.flatMap((kind) => {
    const index = specifications.findIndex((one) => isRecord(one) && one['resourceType'] === kind);
    const property = index < 0 ? `tagSpecifications.${kind}` : `tagSpecifications[${index}].tags`;
    return missingTags(resource, { property, value: valueAt(specifications[index], 'tags') });
  });
}

function missingTags(resource: Resource, { property, value }: LocatedValue): Violation[] {
  if (!isRecord(value)) return [violationAt(resource, { property, value }, `needs ${requiredTags.join(', ')}`)];
  return requiredTags
    .filter((tag) => value[tag] === undefined || value[tag] === '')
    .map((tag) => violationAt(resource, { property: `${property}.${tag}`, value: value[tag] }, 'must be given'));
}
