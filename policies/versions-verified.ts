import { isRecord, valueAt, type LocatedValue, type Resource } from './graph.ts';
import { violationAt, type Environment, type Facts, type ListedVersion, type Rule, type Violation } from './rule.ts';

/** Other people's software, as a resource asks for it. */
interface Asked extends LocatedValue {
  readonly kind: ListedVersion['kind'];
  readonly name: string;
  readonly version: string;
}

export const versionsVerified: Rule = {
  name: 'versions-verified',
  why: 'a version from memory may not exist, or may not be the software that its name says',
  remedy: 'look it up at its publisher and note that in infra/planning/versions.json: source, and verified: true',
  scope: 'resource',
  check: ({ resources }, environment) => {
    const { facts } = environment;
    return facts === undefined ? [] : resources.flatMap((resource) => checkResource(resource, facts, environment));
  },
};

function checkResource(resource: Resource, facts: Facts, { name, unverifiedVersions }: Environment): Violation[] {
  return askedBy(resource).flatMap((asked) => {
    const listed = facts.versions.find((one) => isThat(one, asked));
    if (listed === undefined) {
      // Images that are not listed are our own: the release names them, by digest.
      return asked.kind === 'image'
        ? []
        : [violationAt(resource, asked, `${asked.name} is not listed in this version`)];
    }
    if (listed.verified || unverifiedVersions === 'allowed') return [];
    return [violationAt(resource, asked, `nobody has looked up ${asked.name} ${asked.version}, which ${name} demands`)];
  });
}

function isThat(listed: ListedVersion, { kind, name, version }: Asked): boolean {
  return listed.kind === kind && listed.name === name && listed.version === version;
}

function askedBy({ type, inputs }: Resource): Asked[] {
  if (type === 'aws:eks/addon:Addon') return one('addon', inputs['addonName'], { property: 'addonVersion', inputs });
  if (type === 'kubernetes:helm.sh/v3:Release') {
    const chart = String(inputs['chart']).split('/').at(-1);
    return one('chart', chart, { property: 'version', inputs });
  }
  if (type === 'aws:elasticache/replicationGroup:ReplicationGroup') {
    return one('engine', inputs['engine'], { property: 'engineVersion', inputs });
  }
  return type.startsWith('kubernetes:') ? imagesIn({ property: '', value: inputs }) : [];
}

function one(kind: Asked['kind'], name: unknown, at: { property: string; inputs: Resource['inputs'] }): Asked[] {
  const value = valueAt(at.inputs, at.property);
  return [{ kind, name: String(name), version: String(value), property: at.property, value }];
}

function imagesIn({ property, value }: LocatedValue): Asked[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) => imagesIn({ property: `${property}[${index}]`, value: item }));
  }
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = property === '' ? key : `${property}.${key}`;
    return key === 'image' && typeof item === 'string' ? imageOf(at, item) : imagesIn({ property: at, value: item });
  });
}

/** `repository:version@digest`; a repository may hold a port, a version no slash. */
function imageOf(property: string, image: string): Asked[] {
  const [, name, version] = /^(.+?):([^:/@]+)@sha256:[0-9a-f]{64}$/.exec(image) ?? [];
  return name === undefined || version === undefined ? [] : [{ kind: 'image', name, version, property, value: image }];
}
