import { Name } from '@orrery/contracts/definitions/fields';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import { triggerUnclear, workflowMissing } from '../errors.ts';
import type { BackfillRequest } from '../triggers/backfill.ts';
import type { BackfillRecord } from '../triggers/backfills.ts';
import { triggerNames } from '../triggers/identity.ts';
import { isClock } from '../triggers/types.ts';
import { closed, errors } from './schemas.ts';
import type { Ready, Started } from './started.ts';

const BackfillOrder = Type.Object(
  {
    workflow: Name,
    trigger: Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'as GET /v1/workflows/{name} names it; default: its only one with a clock',
      }),
    ),
    fromMs: Type.Integer({ minimum: 0, description: 'included' }),
    untilMs: Type.Integer({ minimum: 1, description: 'not included' }),
    order: Type.Optional(
      Type.Union([Type.Literal('oldest-first'), Type.Literal('newest-first')], { default: 'oldest-first' }),
    ),
    atOnceMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 1 })),
    again: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description: '0 runs what has not run; 1 and above the whole range anew',
      }),
    ),
    dryRun: Type.Optional(Type.Boolean({ description: 'only estimates' })),
  },
  closed,
);
const Spread = Type.Union([Type.Object({ p50: Type.Number(), p90: Type.Number() }), Type.Literal('unknown')]);
const Estimate = Type.Object({
  times: Type.Integer(),
  existing: Type.Integer({ description: 'have a run already' }),
  starts: Type.Integer(),
  first: Type.String(),
  last: Type.String(),
  durationMs: Spread,
  costUsd: Spread,
  pastRuns: Type.Integer({ description: 'on which the duration rests' }),
});
const Backfill = Type.Object({
  id: Type.String(),
  actor: Type.String(),
  wish: Type.String(),
  request: Type.Unknown(),
  progress: Type.Object({
    decided: Type.Integer(),
    open: Type.Array(Type.String(), { description: 'runs of it that have not ended; a cancelled one has them too' }),
    accepted: Type.Integer(),
    known: Type.Integer(),
    left: Type.Integer(),
    ended: Type.Boolean(),
  }),
});
const BackfillName = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) });
const Wish = Type.Object(
  { wish: Type.Union([Type.Literal('run'), Type.Literal('pause'), Type.Literal('cancel')]) },
  closed,
);

/** Ranges of logical times that are over. */
export function addTriggerRoutes(app: App, ready: Ready): void {
  app.post<{ Body: Static<typeof BackfillOrder> }>(
    '/v1/backfills',
    {
      schema: {
        summary: 'Runs the logical times of a trigger in a range; asked for twice, once. With dryRun only estimates',
        body: BackfillOrder,
        response: {
          200: Type.Object({ estimate: Estimate }),
          201: Type.Object({ id: Type.String(), estimate: Estimate }),
          ...errors,
        },
      },
    },
    async (request, reply) => {
      const { dryRun = false, ...order } = request.body;
      const { backfills } = ready();
      const wanted = requestOf(ready(), request.tenant, order);
      const estimate = await backfills.estimate(wanted);
      if (dryRun) return reply.code(200).send({ estimate });
      const { id, fresh } = await backfills.start(wanted, request.actor);
      if (!fresh) void reply.header('idempotent-replayed', 'true');
      return reply.code(201).header('location', `/v1/backfills/${id}`).send({ id, estimate });
    },
  );
  app.get(
    '/v1/backfills',
    {
      schema: {
        summary: 'The backfills that have not ended',
        response: { 200: Type.Object({ backfills: Type.Array(Backfill) }), ...errors },
      },
    },
    async (request) => ({ backfills: (await ready().backfills.active(request.tenant)).map(viewOf) }),
  );
  app.get<{ Params: Static<typeof BackfillName> }>(
    '/v1/backfills/:id',
    { schema: { summary: 'How far a backfill is', params: BackfillName, response: { 200: Backfill, ...errors } } },
    async (request) => viewOf(await ready().backfills.show(request.tenant, request.params.id)),
  );
  app.put<{ Params: Static<typeof BackfillName>; Body: Static<typeof Wish> }>(
    '/v1/backfills/:id/wish',
    {
      schema: {
        summary: 'Pauses, cancels or goes on with a backfill; what it has started runs on',
        params: BackfillName,
        body: Wish,
        response: { 200: Backfill, ...errors },
      },
    },
    async (request) => viewOf(await ready().backfills.wish(request.tenant, request.params.id, request.body.wish)),
  );
}

type Order = Omit<Static<typeof BackfillOrder>, 'dryRun'>;

function requestOf({ catalogue }: Started, tenant: string, order: Order): BackfillRequest {
  const { workflow, fromMs, untilMs, order: direction = 'oldest-first', atOnceMax = 1, again = 0 } = order;
  const known = catalogue.find(tenant, workflow);
  if (known === undefined) {
    throw workflowMissing(
      workflow,
      catalogue.of(tenant).map(({ definition }) => definition.name),
    );
  }
  const { triggers } = known.definition;
  const clocks = triggerNames(triggers).filter((_, index) => isClock(triggers[index] ?? {}));
  const trigger = order.trigger ?? (clocks.length === 1 ? clocks[0] : undefined);
  if (trigger === undefined) throw triggerUnclear(workflow, clocks);
  return { tenant, workflow, trigger, fromMs, untilMs, order: direction, atOnceMax, again };
}

function viewOf({ id, actor, wish, request, progress }: BackfillRecord): Static<typeof Backfill> {
  return { id, actor, wish, request, progress: { ...progress, open: [...progress.open] } };
}
