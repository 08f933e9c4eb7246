import { isRecord, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const containerLists: readonly string[] = ['containers', 'initContainers', 'ephemeralContainers'];
const workload = /^kubernetes:(apps\/v1:|batch\/v1:|core\/v1:(Pod|ReplicationController)$)/;
const named = /^[^@]+@sha256:[0-9a-f]{64}$/;
/** A tag beside the digest is there for people, and this one tells them nothing. */
const movingTag = /:latest(@|$)/;

export const imagesByDigest: Rule = {
  name: 'images-by-digest',
  why: 'a tag can be moved: then what runs is not what was tested, and a rollback does not bring the earlier bytes back',
  remedy: 'name the image <repository>@sha256:<64 hex digits>, as the release and infra/planning/versions.ts do',
  scope: 'resource',
  check: ({ resources }) =>
    resources.filter(({ type }) => type.startsWith('kubernetes:')).flatMap((resource) => checkImages(resource)),
};

function checkImages(resource: Resource): Violation[] {
  const images = imagesIn({ property: '', value: resource.inputs });
  if (images.length === 0 && workload.test(resource.type)) {
    const spec = { property: 'spec', value: resource.inputs['spec'] };
    return [violationAt(resource, spec, 'runs containers that can not be read')];
  }
  return images
    .filter(({ value }) => typeof value !== 'string' || !named.test(value) || movingTag.test(value))
    .map((image) => violationAt(resource, image, 'is not the digest of one image'));
}

/** Every container's image, at any depth: a custom resource has its pods elsewhere than a Deployment. */
function imagesIn({ property, value }: LocatedValue): LocatedValue[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => imagesIn({ property: `${property}[${index}]`, value: item }));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = { property: property === '' ? key : `${property}.${key}`, value: item };
    return containerLists.includes(key) && Array.isArray(item) ? imagesOfContainers(at.property, item) : imagesIn(at);
  });
}

function imagesOfContainers(property: string, containers: readonly unknown[]): LocatedValue[] {
  return containers.map((container, index) => ({
    property: `${property}[${index}].image`,
    value: isRecord(container) ? container['image'] : container,
  }));
}
