import { Name } from '@orrery/contracts/definitions/fields';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import { runMissing } from '../errors.ts';
import { readCursor, writeCursor } from '../runs/run-cursor.ts';
import { Cursor, closed, errors, RunName, StateFilter, Time } from './schemas.ts';
import { StepView } from './step-view.ts';
import type { Ready } from './started.ts';

const Listing = Type.Object(
  {
    workflow: Type.Optional(Name),
    state: Type.Optional(StateFilter),
    actor: Type.Optional(Name),
    createdBeforeMs: Type.Optional(Type.Integer({ minimum: 0 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
    cursor: Type.Optional(Cursor),
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
  paused: Type.Boolean(),
  trigger: Type.String(),
  priority: Type.Integer(),
  createdAtMs: Type.Integer(),
  endedAtMs: Time,
});
const RunPage = Type.Object({
  runs: Type.Array(RunSummary),
  next: Type.Union([Type.String(), Type.Null()], {
    description:
      'the cursor of the next page, null at the end; a page may hold fewer runs than `limit` and have a next one',
  }),
});
const RunView = Type.Object({
  ...RunSummary.properties,
  parameters: Type.Unknown(),
  logicalTime: Type.String(),
  startedAtMs: Time,
  sequence: Type.Integer({ description: 'transitions so far' }),
  parent: Type.Union([Type.String(), Type.Null()], { description: 'the run of which a step waits for it' }),
  stepsCount: Type.Integer(),
  counts: Type.Record(Type.String(), Type.Integer(), { description: 'state -> steps' }),
  steps: Type.Array(StepView, { description: 'all of up to 200; of more, the first 200 that have not succeeded' }),
});
const EventView = Type.Object({
  sequence: Type.Integer(),
  ref: Type.String(),
  step: Type.String(),
  attempt: Type.Integer(),
  fence: Type.Integer(),
  from: Type.String(),
  to: Type.String(),
  reason: Type.String(),
  actor: Type.String(),
  pool: Type.String(),
  release: Type.String(),
  atMs: Type.Integer(),
});
const Events = Type.Object({
  run: Type.String(),
  complete: Type.Boolean({ description: 'false while the history lags behind the run' }),
  events: Type.Array(EventView),
});
const Explanation = Type.Object({
  step: Type.String({ description: 'empty for the run itself' }),
  ref: Type.String(),
  state: Type.String(),
  blocker: Type.String(),
  text: Type.String(),
  sinceMs: Time,
  untilMs: Type.Optional(Type.Integer()),
});
const Explained = Type.Object({
  run: Type.String(),
  state: Type.String(),
  openSteps: Type.Integer({ description: 'that have not ended; the first 200 are explained' }),
  explanations: Type.Array(Explanation),
});

const Verification = Type.Object({
  run: Type.String(),
  rows: Type.Integer(),
  unchained: Type.Integer({ description: 'from before there was a chain: nothing can be said of them' }),
  end: Type.Union([Type.Object({ sequence: Type.Integer(), digest: Type.String() }), Type.Null()]),
  wrong: Type.Union([
    Type.Object({ sequence: Type.Integer(), code: Type.String(), why: Type.String() }),
    Type.Null({ description: 'every row is as it was recorded' }),
  ]),
});

/** A run of 1,000 steps with all retries stays below. */
const eventsMax = 100_000;

export function addRunRoutes(app: App, ready: Ready): void {
  addReads(app, ready);
  addHistory(app, ready);
}

function addReads(app: App, ready: Ready): void {
  app.get<{ Querystring: Static<typeof Listing> }>(
    '/v1/runs',
    {
      schema: {
        summary: 'The runs of the tenant, the latest first, a page at a time',
        querystring: Listing,
        response: { 200: RunPage, ...errors },
      },
    },
    async (request) => {
      const { limit = 50, cursor, ...filter } = request.query;
      const from = cursor === undefined ? {} : { from: readCursor(cursor) };
      const page = await ready().reader.list(request.tenant, filter, { limit, ...from });
      return { runs: page.runs, next: page.next === undefined ? null : writeCursor(page.next) };
    },
  );
  app.get<{ Params: RunName }>(
    '/v1/runs/:id',
    { schema: { summary: 'A run with its steps', params: RunName, response: { 200: RunView, ...errors } } },
    (request) => ready().views.run(request.tenant, request.params.id),
  );
  app.get<{ Params: RunName }>(
    '/v1/runs/:id/explain',
    {
      schema: {
        summary: 'What each step that has not ended waits for',
        params: RunName,
        response: { 200: Explained, ...errors },
      },
    },
    (request) => {
      const { explainer, workers } = ready();
      return explainer.explain(request.tenant, request.params.id, workers(request.tenant));
    },
  );
}

function addHistory(app: App, ready: Ready): void {
  app.get<{ Params: RunName }>(
    '/v1/runs/:id/events',
    {
      schema: {
        summary: 'The transitions of a run, also long after the run itself is forgotten',
        params: RunName,
        response: { 200: Events, ...errors },
      },
    },
    async (request) => {
      const { reader, history } = ready();
      const { id } = request.params;
      const run = await reader.record(request.tenant, id).catch(() => undefined);
      const events = await history.events(request.tenant, id, eventsMax);
      if (run === undefined && events.length === 0) throw runMissing(id);
      const sequence = run === undefined ? events.at(-1)?.sequence : Number(run.hash['sequence']);
      return { run: id, complete: events.length === sequence, events };
    },
  );
  app.get<{ Params: RunName }>(
    '/v1/runs/:id/history',
    {
      schema: {
        summary: 'How long, how much, why it failed, who did it: from the history alone',
        params: RunName,
        response: { 200: Type.Unknown(), ...errors },
      },
    },
    async (request) => {
      const found = await ready().history.explain(request.tenant, request.params.id);
      if (found === null) throw runMissing(request.params.id);
      return found;
    },
  );
  app.get<{ Params: RunName }>(
    '/v1/runs/:id/verification',
    {
      schema: {
        summary: 'Whether the history of a run is as it was recorded: its chain is computed anew',
        params: RunName,
        response: { 200: Verification, ...errors },
      },
    },
    async (request) => {
      const { rows, unchained, end, wrong } = await ready().history.verify(request.tenant, request.params.id);
      if (rows === 0) throw runMissing(request.params.id);
      return { run: request.params.id, rows, unchained, end, wrong };
    },
  );
}
