import { join } from 'node:path';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { readTree, type BundleFile } from './files.ts';
import { invalid } from './manifests.ts';
import { migrationName, phaseOf } from './migrations.ts';
import { schemaDigest, schemaOfTopic } from './service-facets.ts';

type Data = Release['data'];

/** What a release does to the data that outlives it: tables, topics, Redis keys. */
export function describeData(root: string, manifests: readonly ServiceManifest[]): Data {
  return {
    clickhouse: Object.fromEntries(
      manifests.flatMap(({ name }) =>
        readMigrations(root, name).map(({ path, content }) => {
          const phase = phaseOf(content.toString('utf8'), `services/${name}/sql/${path}`);
          return [`${name}/${path}`, { text: digestOfBytes(content), phase }] as const;
        }),
      ),
    ),
    topics: describeTopics(manifests),
    keySpaces: describeKeySpaces(manifests),
  };
}

/** The numbered files of a service: what is applied once, in their order. The others are statements that it runs. */
export function readMigrations(root: string, service: string): BundleFile[] {
  return readTree(join(root, 'services', service, 'sql')).filter(({ path }) => migrationName.test(path));
}

export function describeTopics(manifests: readonly ServiceManifest[]): Data['topics'] {
  const names = [...new Set(manifests.flatMap(({ consumes, produces }) => [...consumes, ...produces]))].sort();
  const who = (topic: string, side: 'consumes' | 'produces') =>
    manifests.filter((manifest) => manifest[side].includes(topic)).map(({ name }) => name);
  return Object.fromEntries(
    names.map((topic) => {
      const producers = who(topic, 'produces').sort();
      const consumers = who(topic, 'consumes').sort();
      const schema = schemaDigest(schemaOfTopic(topic, producers[0] ?? consumers[0] ?? ''));
      return [topic, { schema, producers, consumers }];
    }),
  );
}

/** A pattern has one owner, and its keys lie in the one Redis that the owner needs. */
export function describeKeySpaces(manifests: readonly ServiceManifest[]): Data['keySpaces'] {
  const problems: string[] = [];
  const spaces: Data['keySpaces'] = {};
  for (const { name, keySpaces, needs = [] } of manifests) {
    const stores = (['state', 'cache'] as const).filter((store) => needs.includes(`redis-${store}`));
    const [store] = stores;
    for (const pattern of keySpaces) {
      const other = spaces[pattern];
      if (other !== undefined)
        problems.push(`services/${name}/service.yaml has the key space "${pattern}", which ${other.service} owns`);
      else if (store === undefined || stores.length > 1)
        problems.push(
          `services/${name}/service.yaml has the key space "${pattern}" and needs ${stores.length} Redis: exactly one, redis-state or redis-cache, says where its keys lie`,
        );
      else spaces[pattern] = { service: name, store };
    }
  }
  if (problems.length > 0) throw invalid(problems);
  return spaces;
}
