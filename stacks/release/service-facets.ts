import { definitionSchemas } from '@orrery/contracts/definition';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { topicSchemas } from '@orrery/contracts/topics';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import { CommandError } from '../errors.ts';

const kindSchemas: Readonly<Record<ServiceManifest['definitions'][number], object>> = {
  workflow: definitionSchemas.Workflow,
  pipeline: definitionSchemas.Pipeline,
  'feature-set': definitionSchemas.FeatureSet,
  model: definitionSchemas.Model,
};

/** What of a manifest says how the service is run: a change of it restarts the service and concerns nobody else. */
export function configFacet(manifest: ServiceManifest): object {
  const { ports, needs = [], resources, probes, scaling, stateful, public: reached, drainSeconds } = manifest;
  return {
    ...{ ports, needs: [...needs].sort(), resources, probes, scaling, stateful },
    ...(reached === undefined ? {} : { public: reached }),
    ...(drainSeconds === undefined ? {} : { drainSeconds }),
  };
}

/** What others rely on: events, keys, kinds of definition, peers, and by digest the schemas of what goes in and out. */
export function contractFacet(manifest: ServiceManifest): object {
  const { consumes, produces, keySpaces, definitions, peers } = manifest;
  const kinds = [...definitions].sort();
  const topics = [...new Set([...consumes, ...produces])].sort();
  return {
    consumes: [...consumes].sort(),
    produces: [...produces].sort(),
    keySpaces: [...keySpaces].sort(),
    definitions: Object.fromEntries(kinds.map((kind) => [kind, schemaDigest(kindSchemas[kind])])),
    peers: [...peers].sort(),
    events: Object.fromEntries(topics.map((topic) => [topic, schemaDigest(schemaOfTopic(topic, manifest.name))])),
  };
}

export function schemaDigest(schema: object): Digest {
  return digestOf('schema', schemaDocument(schema));
}

/** A schema as JSON has it: without what its builder hangs on it. */
export function schemaDocument(schema: object): unknown {
  return JSON.parse(JSON.stringify(schema));
}

/** Every schema that a service's contract names. */
export function schemasOf(manifest: ServiceManifest): object[] {
  const topics = [...new Set([...manifest.consumes, ...manifest.produces])];
  return [
    ...manifest.definitions.map((kind) => kindSchemas[kind]),
    ...topics.map((topic) => schemaOfTopic(topic, manifest.name)),
  ];
}

export function schemaOfTopic(topic: string, service: string): object {
  const schema = topicSchemas[topic];
  if (schema !== undefined) return schema;
  throw new CommandError({
    code: 'TOPIC_UNKNOWN',
    message: `services/${service}/service.yaml names the topic "${topic}", which has no schema`,
    hint: `topics: ${Object.keys(topicSchemas).join(', ')}; write its schema and list it in services/contracts/src/topics.ts`,
  });
}
