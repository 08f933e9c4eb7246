import { Name } from '@orrery/contracts/definitions/fields';
import { ErrorBody } from '@orrery/contracts/health';
import { OrreryError } from '@orrery/kit/errors';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import type { Catalogue, DefinedWorkflow } from './definitions.ts';
import { runMissing, workflowMissing } from './errors.ts';
import type { History } from './history.ts';
import type { RunReader } from './run-reader.ts';
import type { Runs } from './runs.ts';

/** What exists once the service has started. */
export interface Started {
  readonly catalogue: Catalogue;
  readonly runs: Runs;
  readonly reader: RunReader;
  readonly history: History;
}

const closed = { additionalProperties: false } as const;
const WorkflowName = Type.Object({ name: Name });
const RunName = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Time = Type.Union([Type.Integer(), Type.Null()], { description: 'milliseconds since 1970' });

const WorkflowSummary = Type.Object({
  name: Type.String(),
  tenant: Type.String(),
  owner: Type.String(),
  description: Type.String(),
  digest: Type.String({ description: 'of the definition: runs started from here on keep it for life' }),
  steps: Type.Integer(),
  lacks: Type.Array(Type.String({ description: 'what this environment lacks for it; empty when it can run' })),
});
const WorkflowView = Type.Object({ ...WorkflowSummary.properties, definition: Type.Unknown() });

const Order = Type.Object(
  {
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { default: {} }),
    ),
  },
  closed,
);
const OrderHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({ pattern: '^[\\x21-\\x7e]{1,200}$', description: 'asked twice under one key, it runs once' }),
  ),
});
const RunState = Type.Object({ run: Type.String(), state: Type.String() });

const State = Type.Union(['queued', 'running', 'succeeded', 'failed', 'cancelled'].map((word) => Type.Literal(word)));
const Listing = Type.Object(
  {
    workflow: Type.Optional(Name),
    state: Type.Optional(State),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
  },
  closed,
);

const RunSummary = Type.Object({
  run: Type.String(),
  workflow: Type.String(),
  definition: Type.String(),
  tenant: Type.String(),
  actor: Type.String(),
  state: Type.String(),
  trigger: Type.String(),
  createdAtMs: Type.Integer(),
  endedAtMs: Time,
});
const StepView = Type.Object({
  name: Type.String(),
  uses: Type.String(),
  state: Type.String(),
  attempt: Type.Integer(),
  startedAtMs: Time,
  endedAtMs: Time,
  progress: Type.Optional(Type.Unknown()),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
});
const RunView = Type.Object({
  ...RunSummary.properties,
  parameters: Type.Unknown(),
  logicalTime: Type.String(),
  startedAtMs: Time,
  sequence: Type.Integer({ description: 'transitions so far' }),
  steps: Type.Array(StepView),
});

const EventView = Type.Object({
  sequence: Type.Integer(),
  step: Type.String(),
  attempt: Type.Integer(),
  fence: Type.Integer(),
  from: Type.String(),
  to: Type.String(),
  reason: Type.String(),
  actor: Type.String(),
  release: Type.String(),
  atMs: Type.Integer(),
});
const Events = Type.Object({
  run: Type.String(),
  complete: Type.Boolean({ description: 'false while the history lags behind the run' }),
  events: Type.Array(EventView),
});

const errors = { 400: ErrorBody, 401: ErrorBody, 404: ErrorBody, 409: ErrorBody, 429: ErrorBody, 503: ErrorBody };
/** A run of 1,000 steps with all retries stays below. */
const eventsMax = 100_000;

/** The HTTP face: parse, call, answer. `started` is undefined until the service has started. */
export function addRoutes(app: App, started: () => Started | undefined): void {
  const ready = (): Started => {
    const parts = started();
    if (parts !== undefined) return parts;
    const message = 'the service has not started';
    throw new OrreryError({ code: 'NOT_READY', message, hint: 'try again in a moment', retry: 'retryable' });
  };
  addWorkflowRoutes(app, ready);
  addOrderRoute(app, ready);
  addRunRoutes(app, ready);
  addControlRoutes(app, ready);
}

function addWorkflowRoutes(app: App, ready: () => Started): void {
  app.get(
    '/v1/workflows',
    {
      schema: {
        summary: 'The workflows of the tenant',
        response: { 200: Type.Object({ workflows: Type.Array(WorkflowSummary) }), ...errors },
      },
    },
    (request) => ({ workflows: ready().catalogue.of(request.tenant).map(summarise) }),
  );
  app.get<{ Params: Static<typeof WorkflowName> }>(
    '/v1/workflows/:name',
    {
      schema: {
        summary: 'One workflow with its definition',
        params: WorkflowName,
        response: { 200: WorkflowView, ...errors },
      },
    },
    (request) => {
      const { catalogue } = ready();
      const workflow = catalogue.find(request.tenant, request.params.name);
      if (workflow === undefined) {
        const known = catalogue.of(request.tenant).map(({ definition }) => definition.name);
        throw workflowMissing(request.params.name, known);
      }
      return { ...summarise(workflow), definition: workflow.definition };
    },
  );
}

function summarise({ tenant, definition, plan, lacks }: DefinedWorkflow): Static<typeof WorkflowSummary> {
  const { name, owner, description = '' } = definition;
  return {
    name,
    tenant,
    owner,
    description,
    digest: plan.digest,
    steps: definition.steps.length,
    lacks: [...lacks],
  };
}

function addOrderRoute(app: App, ready: () => Started): void {
  app.post<{
    Params: Static<typeof WorkflowName>;
    Body: Static<typeof Order>;
    Headers: Static<typeof OrderHeaders>;
  }>(
    '/v1/workflows/:name/runs',
    {
      schema: {
        summary: 'Starts a run; under an idempotency key once, with another body never',
        params: WorkflowName,
        headers: OrderHeaders,
        body: Order,
        response: { 201: RunState, ...errors },
      },
      preValidation: allowNoBody,
    },
    async (request, reply) => {
      const { run, state, fresh } = await ready().runs.start(request, {
        workflow: request.params.name,
        parameters: request.body.parameters ?? {},
        idempotencyKey: request.headers['idempotency-key'],
      });
      if (!fresh) void reply.header('idempotent-replayed', 'true');
      return reply.code(201).header('location', `/v1/runs/${run}`).send({ run, state });
    },
  );
}

function addRunRoutes(app: App, ready: () => Started): void {
  app.get<{ Querystring: Static<typeof Listing> }>(
    '/v1/runs',
    {
      schema: {
        summary: 'The runs of the tenant, the latest first',
        querystring: Listing,
        response: { 200: Type.Object({ runs: Type.Array(RunSummary) }), ...errors },
      },
    },
    async (request) => {
      const { limit = 50, ...filter } = request.query;
      return { runs: await ready().reader.list(request.tenant, { ...filter, limit }) };
    },
  );
  app.get<{ Params: Static<typeof RunName> }>(
    '/v1/runs/:id',
    { schema: { summary: 'A run with its steps', params: RunName, response: { 200: RunView, ...errors } } },
    (request) => ready().reader.run(request.tenant, request.params.id),
  );
  app.get<{ Params: Static<typeof RunName> }>(
    '/v1/runs/:id/events',
    {
      schema: {
        summary: 'The history of a run, also long after the run itself is forgotten',
        params: RunName,
        response: { 200: Events, ...errors },
      },
    },
    async (request) => {
      const { reader, history } = ready();
      const { id } = request.params;
      const run = await reader.run(request.tenant, id).catch(() => undefined);
      const events = await history.events(request.tenant, id, eventsMax);
      if (run === undefined && events.length === 0) throw runMissing(id);
      return { run: id, complete: events.length === (run?.sequence ?? events.at(-1)?.sequence), events };
    },
  );
}

function addControlRoutes(app: App, ready: () => Started): void {
  const summaries = {
    cancel: 'Ends a run: what runs is stopped, what waits never starts',
    retry: 'Runs the steps that did not succeed again',
  } as const;
  for (const verb of ['cancel', 'retry'] as const) {
    app.post<{ Params: Static<typeof RunName> }>(
      `/v1/runs/:id/${verb}`,
      {
        schema: {
          summary: summaries[verb],
          params: RunName,
          body: Type.Object({}, closed),
          response: { 200: RunState, ...errors },
        },
        preValidation: allowNoBody,
      },
      (request) => ready().runs.control(request, request.params.id, verb),
    );
  }
}

/** Nothing to say is the same as an empty order. */
async function allowNoBody(request: { body: unknown }): Promise<void> {
  if (request.body === undefined) request.body = {};
}
