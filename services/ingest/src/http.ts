import Type, { type Static } from 'typebox';
import { Identifier, Name } from '@orrery/contracts/definitions/fields';
import { ErrorBody } from '@orrery/contracts/health';
import { Job } from '@orrery/contracts/job';
import { OrreryError } from '@orrery/kit/errors';
import type { App } from '@orrery/kit/http';
import type { Database } from './database.ts';
import type { LoadedPipeline, Pipelines } from './definitions.ts';
import type { Runs } from './runs.ts';

/** What exists once the service has started. */
export interface Started {
  readonly pipelines: Pipelines;
  readonly runs: Runs;
  readonly database: Database;
}

const closed = { additionalProperties: false } as const;
const PipelineName = Type.Object({ name: Name });
const RunName = Type.Object({ name: Name, id: Type.String({ maxLength: 100 }) });

const RunOrder = Type.Object(
  {
    again: Type.Optional(
      Type.Boolean({
        description: 'take the files in afresh and replace what stands; default false: only what is missing',
      }),
    ),
  },
  closed,
);

const RejectFilter = Type.Object(
  {
    kind: Type.Optional(Identifier),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  },
  closed,
);

const PipelineSummary = Type.Object({
  name: Type.String(),
  tenant: Type.String(),
  owner: Type.String(),
  digest: Type.String(),
  table: Type.String(),
  datasets: Type.Array(Type.String()),
});

const PipelineView = Type.Object({ ...PipelineSummary.properties, definition: Type.Unknown() });

const Reject = Type.Object({
  file_digest: Type.String(),
  row_number: Type.Integer(),
  kind: Type.String(),
  column_name: Type.String({ description: 'empty where the whole row is at fault' }),
  value: Type.String(),
  reason: Type.String(),
  body: Type.String({ description: 'the row as one line of JSON, or the line itself where it is none' }),
  rejected_at: Type.String(),
});

const errors = { 400: ErrorBody, 401: ErrorBody, 404: ErrorBody, 409: ErrorBody, 429: ErrorBody, 503: ErrorBody };

/** The HTTP face: parse, call, answer. `started` is undefined until the service has started. */
export function addRoutes(app: App, started: () => Started | undefined): void {
  const ready = (): Started => {
    const parts = started();
    if (parts !== undefined) return parts;
    const message = 'the service has not started';
    throw new OrreryError({ code: 'NOT_READY', message, hint: 'try again in a moment', retry: 'retryable' });
  };
  addPipelineRoutes(app, ready);
  addRunRoutes(app, ready);
  addRejectRoute(app, ready);
}

function addPipelineRoutes(app: App, ready: () => Started): void {
  app.get(
    '/v1/pipelines',
    {
      schema: {
        summary: 'The pipelines of the tenant',
        response: { 200: Type.Object({ pipelines: Type.Array(PipelineSummary) }), ...errors },
      },
    },
    (request) => ({ pipelines: ready().pipelines.list(request.tenant).map(summarise) }),
  );
  app.get<{ Params: Static<typeof PipelineName> }>(
    '/v1/pipelines/:name',
    {
      schema: {
        summary: 'One pipeline with its definition',
        params: PipelineName,
        response: { 200: PipelineView, ...errors },
      },
    },
    (request) => {
      const pipeline = ready().pipelines.get(request.tenant, request.params.name);
      return { ...summarise(pipeline), definition: pipeline.definition };
    },
  );
}

function addRunRoutes(app: App, ready: () => Started): void {
  app.post<{ Params: Static<typeof PipelineName>; Body: Static<typeof RunOrder> }>(
    '/v1/pipelines/:name/runs',
    {
      schema: {
        summary: 'Takes in what is missing of the files; asked twice, it runs once',
        params: PipelineName,
        body: RunOrder,
        response: { 202: Job, ...errors },
      },
      preValidation: async (request) => {
        // Nothing to say is the same as an empty order.
        if ((request.body as unknown) === undefined) request.body = {};
      },
    },
    async (request, reply) => {
      const { pipelines, runs } = ready();
      const pipeline = pipelines.get(request.tenant, request.params.name);
      const job = await runs.start(pipeline, { actor: request.actor, again: request.body.again === true });
      return reply.code(202).header('location', job.location).send(job);
    },
  );
  app.get<{ Params: Static<typeof RunName> }>(
    '/v1/pipelines/:name/runs/:id',
    { schema: { summary: 'A run: its progress, then its result', params: RunName, response: { 200: Job, ...errors } } },
    (request) => {
      const { pipelines, runs } = ready();
      return runs.view(pipelines.get(request.tenant, request.params.name), request.params.id);
    },
  );
}

function addRejectRoute(app: App, ready: () => Started): void {
  app.get<{ Params: Static<typeof PipelineName>; Querystring: Static<typeof RejectFilter> }>(
    '/v1/pipelines/:name/rejects',
    {
      schema: {
        summary: 'Rows that broke the contract, in the order of their files',
        params: PipelineName,
        querystring: RejectFilter,
        response: { 200: Type.Object({ rejects: Type.Array(Reject) }), ...errors },
      },
    },
    async (request) => {
      const { pipelines, database } = ready();
      const pipeline = pipelines.get(request.tenant, request.params.name);
      const { kind = '', limit = 100 } = request.query;
      const parameters = { tenant: request.tenant, pipeline: pipeline.definition.name, kind, limit };
      return { rejects: await database.select<Static<typeof Reject>>('select_rejects', parameters) };
    },
  );
}

function summarise({ definition, digest, tenant }: LoadedPipeline): Static<typeof PipelineSummary> {
  return {
    name: definition.name,
    tenant,
    owner: definition.owner,
    digest,
    table: definition.sink.table,
    datasets: definition.source.files.map((file) => file.dataset),
  };
}
