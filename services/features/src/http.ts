import Type from 'typebox';
import { Day } from '@orrery/contracts/definitions/fields';
import { Job } from '@orrery/contracts/job';
import type { App } from '@orrery/kit/http';
import type { FeaturesService } from './service.ts';

const closed = { additionalProperties: false } as const;
const ByName = Type.Object({ name: Type.String({ maxLength: 63 }) });
const ByJob = Type.Object({ name: Type.String({ maxLength: 63 }), id: Type.String({ maxLength: 200 }) });
const SpanBody = Type.Object({ from: Day, to: Day }, closed);
const VectorsBody = Type.Object(
  {
    rows: Type.Array(Type.Unknown(), {
      description: 'what is known of each row: exactly rows.columns of the definition',
    }),
  },
  closed,
);
const Listing = Type.Object({
  featureSets: Type.Array(Type.Object({ name: Type.String(), fingerprint: Type.String(), features: Type.Integer() })),
});
const Description = Type.Object({
  definition: Type.Unknown(),
  sql: Type.String(),
  fingerprint: Type.String(),
  table: Type.String(),
});
const VectorsAnswer = Type.Object({
  featureSet: Type.String(),
  fingerprint: Type.String(),
  vectors: Type.Array(Type.Record(Type.String(), Type.Unknown())),
});

type Kind = 'materialisations' | 'datasets';

export function addRoutes(app: App, features: FeaturesService): void {
  app.get('/v1/feature-sets', { schema: { response: { 200: Listing } } }, ({ tenant }) => ({
    featureSets: features.list(tenant),
  }));
  app.get('/v1/feature-sets/:name', { schema: { params: ByName, response: { 200: Description } } }, (request) => {
    const { name } = request.params as { name: string };
    const { definition, sql, fingerprint, table } = features.find(request.tenant, name);
    return { definition, sql, fingerprint, table };
  });
  app.post(
    '/v1/feature-sets/:name/vectors',
    { schema: { params: ByName, body: VectorsBody, response: { 200: VectorsAnswer } } },
    async (request) => {
      const { name } = request.params as { name: string };
      const { rows } = request.body as { rows: unknown[] };
      return features.computeVectors(request.tenant, name, rows);
    },
  );
  addJobRoutes(app, features, 'materialisations');
  addJobRoutes(app, features, 'datasets');
}

function addJobRoutes(app: App, features: FeaturesService, kind: Kind): void {
  const started = { schema: { params: ByName, body: SpanBody, response: { 202: Job } } };
  app.post(`/v1/feature-sets/:name/${kind}`, started, async (request, reply) => {
    const { name } = request.params as { name: string };
    const { from, to } = request.body as { from: string; to: string };
    const asker = { tenant: request.tenant, actor: request.actor };
    return reply.code(202).send(features.startJob(kind, name, { asker, from, to }));
  });
  const viewed = { schema: { params: ByJob, response: { 200: Job } } };
  app.get(`/v1/feature-sets/:name/${kind}/:id`, viewed, (request) => {
    const { name, id } = request.params as { name: string; id: string };
    return features.viewJob(kind, name, request.tenant, id);
  });
}
