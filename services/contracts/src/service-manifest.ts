import Type, { type Static } from 'typebox';
import { closed, Name } from './definitions/fields.ts';

/** What a service needs to be given; the environment's binding says where each lies. */
export const Need = Type.Union([
  Type.Literal('redis-state'),
  Type.Literal('redis-cache'),
  Type.Literal('clickhouse'),
  Type.Literal('store'),
  Type.Literal('bus'),
  Type.Literal('live-pairs'),
  Type.Literal('programs'),
  Type.Literal('datasets'),
]);
export type Need = Static<typeof Need>;

/** `service.yaml`: everything about a service that others rely on. It is part of the service's synthetic version. */
export const ServiceManifest = Type.Object(
  {
    name: Name,
    description: Type.String({ maxLength: 500 }),
    runtime: Type.Union([Type.Literal('node'), Type.Literal('python')]),
    ports: Type.Object(
      { http: Type.Optional(Type.Object({ default: Type.Integer({ minimum: 0, maximum: 65_535 }) }, closed)) },
      { ...closed, description: 'default: offset from the base port of an environment' },
    ),
    consumes: Type.Array(Type.String()),
    produces: Type.Array(Type.String()),
    keySpaces: Type.Array(Type.String({ description: 'Redis key patterns that the service owns' })),
    definitions: Type.Array(
      Type.Union([
        Type.Literal('workflow'),
        Type.Literal('pipeline'),
        Type.Literal('feature-set'),
        Type.Literal('model'),
      ]),
    ),
    needs: Type.Optional(Type.Array(Need)),
    native: Type.Array(
      Type.String({ description: 'npm packages with native code: outside the bundle, locked by integrity' }),
    ),
    peers: Type.Array(Name),
    resources: Type.Object(
      { cpu: Type.Number({ exclusiveMinimum: 0 }), memoryMiB: Type.Integer({ minimum: 16 }) },
      closed,
    ),
    probes: Type.Object({ live: Type.Optional(Type.String()), ready: Type.Optional(Type.String()) }, closed),
    stateful: Type.Boolean({
      description: 'true: one instance owns a folder, so a replacement waits for the old one to end',
    }),
    scaling: Type.Union([Type.Literal('none'), Type.Literal('cpu')]),
  },
  { ...closed, $id: 'https://orrery.dev/schema/service.json', title: 'ServiceManifest' },
);
export type ServiceManifest = Static<typeof ServiceManifest>;
