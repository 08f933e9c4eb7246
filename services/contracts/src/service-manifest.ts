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

const PerReplica = Type.Number({ exclusiveMinimum: 0, description: 'how much of it one replica works off in time' });

/** What the number of replicas follows; each form is one that KEDA reads by itself, or the cores that the replicas use. */
export const Scaling = Type.Union([
  Type.Literal('none'),
  Type.Literal('cpu'),
  Type.Object(
    {
      signal: Type.Literal('redis-size'),
      key: Type.String({
        minLength: 1,
        description: 'a list, set, sorted set or hash in the state Redis: its entries',
      }),
      perReplica: PerReplica,
    },
    closed,
  ),
  Type.Object(
    {
      signal: Type.Literal('kafka-lag'),
      topic: Type.String({ minLength: 1 }),
      group: Type.String({ minLength: 1, description: 'by whom the topic is read: its events that the group lacks' }),
      perReplica: PerReplica,
    },
    closed,
  ),
  Type.Object(
    {
      signal: Type.Literal('prometheus'),
      query: Type.String({
        minLength: 1,
        description: 'PromQL with one number as answer, for example requests in flight',
      }),
      perReplica: PerReplica,
    },
    closed,
  ),
]);
export type Scaling = Static<typeof Scaling>;

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
      {
        cpu: Type.Number({ exclusiveMinimum: 0 }),
        memoryMiB: Type.Integer({ minimum: 16 }),
        gpus: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 8, description: 'GPUs, or shares where an environment slices them' }),
        ),
      },
      closed,
    ),
    probes: Type.Object({ live: Type.Optional(Type.String()), ready: Type.Optional(Type.String()) }, closed),
    stateful: Type.Boolean({
      description: 'true: one instance owns a folder, so a replacement waits for the old one to end',
    }),
    scaling: Scaling,
    public: Type.Optional(
      Type.Boolean({
        description: 'true: the gateway of an environment leads to it; otherwise only its callers reach it',
      }),
    ),
    drainSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 600,
        description: 'how long it may finish what it does when it is told to end',
      }),
    ),
  },
  { ...closed, $id: 'https://orrery.dev/schema/service.json', title: 'ServiceManifest' },
);
export type ServiceManifest = Static<typeof ServiceManifest>;
