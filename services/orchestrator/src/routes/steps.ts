import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import { closed, DryRun, errors, Reason, RunName, StepName } from './schemas.ts';
import { StepView } from './step-view.ts';
import type { Ready } from './started.ts';

const StepListing = Type.Object(
  {
    state: Type.Optional(
      Type.Union(
        ['waiting', 'ready', 'running', 'retrying', 'suspended', 'succeeded', 'failed', 'skipped', 'cancelled'].map(
          (word) => Type.Literal(word),
        ),
      ),
    ),
    itemsOf: Type.Optional(
      Type.String({ maxLength: 63, description: 'name of a map: its items instead of the steps' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
    from: Type.Optional(Type.Integer({ minimum: 0, description: '`next` of the page before' })),
  },
  closed,
);
const StepPage = Type.Object({
  steps: Type.Array(StepView, { description: 'in the order of the definition, without their results' }),
  next: Type.Union([Type.Integer(), Type.Null()], { description: 'null at the end' }),
});
const SkipOrder = Type.Object({ reason: Type.Optional(Reason), dryRun: Type.Optional(DryRun) }, closed);
const Decision = Type.Object(
  {
    decision: Type.Union([Type.Literal('approve'), Type.Literal('reject')]),
    comment: Type.Optional(Type.String({ maxLength: 2000, default: '' })),
  },
  closed,
);
const StepState = Type.Object({ run: Type.String(), step: Type.String(), state: Type.String() });
const Told = Type.Object({ run: Type.String(), state: Type.String(), outcome: Type.String(), text: Type.String() });

export function addStepRoutes(app: App, ready: Ready): void {
  app.get<{ Params: RunName; Querystring: Static<typeof StepListing> }>(
    '/v1/runs/:id/steps',
    {
      schema: {
        summary: "A run's steps, or a map's items, a page at a time",
        params: RunName,
        querystring: StepListing,
        response: { 200: StepPage, ...errors },
      },
    },
    (request) => {
      const { limit = 100, ...query } = request.query;
      return ready().views.steps(request.tenant, request.params.id, { limit, ...query });
    },
  );
  app.get<{ Params: StepName }>(
    '/v1/runs/:id/steps/:step',
    { schema: { summary: 'One step with its result', params: StepName, response: { 200: StepView, ...errors } } },
    (request) => ready().views.step(request.tenant, request.params.id, request.params.step),
  );
  app.post<{ Params: StepName; Body: Static<typeof SkipOrder> }>(
    '/v1/runs/:id/steps/:step/skip',
    {
      schema: {
        summary: 'Ends a step that need not be done as if it had ended well',
        params: StepName,
        body: SkipOrder,
        response: { 200: Told, ...errors },
      },
    },
    (request) => {
      const { id, step } = request.params;
      if (request.body.dryRun === true) return ready().controls.foretellSkip(request, id, step);
      return ready().controls.skip(request, id, { step, reason: request.body.reason });
    },
  );
  app.post<{ Params: StepName; Body: Static<typeof Decision> }>(
    '/v1/runs/:id/steps/:step/decision',
    {
      schema: {
        summary: 'The word of one of those whom an approval asks: the actor of the request',
        params: StepName,
        body: Decision,
        response: { 200: StepState, ...errors },
      },
    },
    (request) => {
      const { id, step } = request.params;
      const { decision, comment = '' } = request.body;
      return ready().intake.decide(request, id, { step, decision, comment });
    },
  );
}
