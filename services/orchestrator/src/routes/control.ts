import { Name } from '@orrery/contracts/definitions/fields';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import type { RunVerb } from '../control/judge.ts';
import {
  allowNoBody,
  closed,
  Cursor,
  DryRun,
  errors,
  GraceMs,
  Priority,
  Reason,
  RunName,
  StateFilter,
} from './schemas.ts';
import type { Ready } from './started.ts';

const From = Type.String({
  maxLength: 63,
  description: 'name of the step from which it goes again, with all that follows',
});

const orders = {
  pause: {},
  resume: {},
  cancel: { graceMs: Type.Optional(GraceMs) },
  kill: {},
  priority: { priority: Priority },
  retry: { from: Type.Optional(From) },
  reset: { from: From },
  migrate: {},
} as const;
const summaries: Readonly<Record<RunVerb, string>> = {
  pause: 'Starts no more steps of a run; attempts in progress end',
  resume: 'Starts the steps that have waited meanwhile',
  cancel: 'Ends a run: what runs is asked to stop and has grace, what waits never starts',
  kill: 'Ends a run at once: what runs is taken from its workers. Asks for a reason',
  priority: 'Changes the priority of what becomes ready from here on',
  retry: 'Runs what did not end well again, of a failed or cancelled run',
  reset: 'Runs a step and all that follows it again, also of a succeeded run',
  migrate: 'Goes on with the current definition: steps of the same name and number keep how they ended',
};
const anyOrder = { reason: Type.Optional(Reason), dryRun: Type.Optional(DryRun) };
interface AnyOrder {
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly graceMs?: number;
  readonly priority?: number;
  readonly from?: string;
}
const Told = Type.Object({
  run: Type.String(),
  state: Type.String(),
  outcome: Type.String({ description: 'done, nothing when it was so already, would in a dry run' }),
  text: Type.String(),
  again: Type.Optional(
    Type.Object({
      stepsCount: Type.Integer(),
      itemsCount: Type.Integer(),
      steps: Type.Array(Type.String(), { description: 'the first 1,000 that go again' }),
    }),
  ),
});

const BulkOrder = Type.Object(
  {
    verb: Type.Union(['pause', 'resume', 'cancel', 'kill', 'priority', 'retry'].map((word) => Type.Literal(word))),
    reason: Type.Optional(Reason),
    dryRun: Type.Optional(DryRun),
    token: Type.Optional(
      Type.String({ maxLength: 64, description: 'of a dry run: nothing is done unless the list is the same' }),
    ),
    filter: Type.Optional(
      Type.Object(
        {
          workflow: Type.Optional(Name),
          state: Type.Optional(StateFilter),
          actor: Type.Optional(Name),
          olderThanMs: Type.Optional(Type.Integer({ minimum: 0, description: 'created longer ago' })),
        },
        { ...closed, minProperties: 1 },
      ),
    ),
    runs: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), {
        minItems: 1,
        maxItems: 1000,
        description: 'these, instead of a filter',
      }),
    ),
    graceMs: Type.Optional(GraceMs),
    priority: Type.Optional(Priority),
    cursor: Type.Optional(Cursor),
  },
  closed,
);
type BulkOrder = Omit<Static<typeof BulkOrder>, 'verb'> & {
  readonly verb: 'pause' | 'resume' | 'cancel' | 'kill' | 'priority' | 'retry';
};
const Line = { run: Type.String(), workflow: Type.String(), state: Type.String(), text: Type.String() };
const BulkAnswer = Type.Object({
  verb: Type.String(),
  applied: Type.Boolean(),
  token: Type.String({ description: 'stands for exactly this list' }),
  acts: Type.Array(Type.Object(Line)),
  nothing: Type.Array(Type.Object(Line), { description: 'what is so already' }),
  refused: Type.Array(Type.Object({ ...Line, code: Type.String(), hint: Type.String() })),
  next: Type.Union([Type.String(), Type.Null()], { description: 'the cursor of the next 1,000' }),
});

export function addControlRoutes(app: App, ready: Ready): void {
  for (const verb of Object.keys(orders) as (keyof typeof orders)[]) {
    app.post<{ Params: RunName; Body: AnyOrder }>(
      `/v1/runs/:id/${verb}`,
      {
        schema: {
          summary: summaries[verb],
          params: RunName,
          body: Type.Object({ ...orders[verb], ...anyOrder }, closed),
          response: { 200: Told, ...errors },
        },
        preValidation: allowNoBody,
      },
      (request) => {
        const { dryRun = false, ...wish } = request.body;
        const { controls } = ready();
        if (dryRun) return controls.foretell(request, request.params.id, { verb, ...wish });
        return controls.act(request, request.params.id, { verb, ...wish });
      },
    );
  }
  addBulk(app, ready);
}

function addBulk(app: App, ready: Ready): void {
  app.post<{ Body: BulkOrder }>(
    '/v1/control',
    {
      schema: {
        summary: 'One verb for many runs, up to 1,000 a call: by a filter, or by name. Asks for a reason',
        body: BulkOrder,
        response: { 200: BulkAnswer, ...errors },
      },
    },
    (request) => {
      const { dryRun = false, filter = {}, cursor, reason = '', ...order } = request.body;
      const { olderThanMs, ...rest } = filter;
      const created = olderThanMs === undefined ? {} : { createdBeforeMs: Date.now() - olderThanMs };
      const wanted = { ...order, reason, from: cursor, filter: { ...rest, ...created } };
      return dryRun ? ready().bulk.foretell(request, wanted) : ready().bulk.apply(request, wanted);
    },
  );
}
