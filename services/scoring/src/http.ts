import Type from 'typebox';
import { Day } from '@orrery/contracts/definitions/fields';
import { OrreryError } from '@orrery/kit/errors';
import type { App } from '@orrery/kit/http';
import type { Row, Scorer } from './scorer.ts';

const closed = { additionalProperties: false } as const;
const ByModel = Type.Object({ model: Type.String() });
const ById = Type.Object({ id: Type.String() });
const BatchBody = Type.Object({ day: Day }, closed);

export function addRoutes(app: App, scorer: Scorer, rowsMax: number): void {
  const PredictionBody = Type.Object(
    {
      rows: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
        minItems: 1,
        maxItems: rowsMax,
        description: "what is known of each row: the columns of the feature set's rows",
      }),
    },
    closed,
  );
  app.get('/v1/models', () => ({ models: scorer.list() }));
  app.post('/v1/models/:model/predictions', { schema: { params: ByModel, body: PredictionBody } }, async (request) => {
    const { model } = request.params as { model: string };
    const { rows } = request.body as { rows: Row[] };
    return scorer.predict(model, rows, { tenant: request.tenant, actor: request.actor });
  });
  app.post('/v1/models/:model/batches', { schema: { params: ByModel, body: BatchBody } }, async (request, reply) => {
    const { model } = request.params as { model: string };
    const { day } = request.body as { day: string };
    return reply.code(202).send(scorer.startBatch(model, day, request.tenant));
  });
  app.get('/v1/batches/:id', { schema: { params: ById } }, (request) => {
    const { id } = request.params as { id: string };
    const job = scorer.batch(id);
    if (job !== undefined && id.startsWith(`${request.tenant}.`)) return job;
    const hint = 'jobs are kept in memory: post the batch again, what is done is reused';
    throw new OrreryError({ code: 'JOB_UNKNOWN', message: `there is no batch ${id}`, hint, status: 404 });
  });
}
