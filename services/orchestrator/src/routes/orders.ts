import { ErrorBody } from '@orrery/contracts/health';
import { OrreryError } from '@orrery/kit/errors';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import { bodyTooLarge, orderInvalid } from '../errors.ts';
import type { Order, Outcome } from '../runs/runs.ts';
import { allowNoBody, closed, errors, Priority, WorkflowName } from './schemas.ts';
import type { Ready } from './started.ts';

const IdempotencyKey = Type.String({
  pattern: '^[\\x21-\\x7e]{1,200}$',
  description: 'asked twice under one key, it runs once',
});
const OrderBody = Type.Object(
  {
    parameters: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), { default: {} }),
    ),
    priority: Type.Optional(Priority),
    pins: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' }),
        Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
        {
          maxProperties: 32,
          description: 'pool -> the build of workers that the run keeps for life',
        },
      ),
    ),
  },
  closed,
);
const OrderHeaders = Type.Object({ 'idempotency-key': Type.Optional(IdempotencyKey) });
const RunState = Type.Object({ run: Type.String(), state: Type.String() });

const ordersMax = 1000;
/** Of one order: a thousand that are wrong in the same hundred ways need not be told of all of them. */
const problemsMax = 5;

const BatchBody = Type.Object(
  {
    orders: Type.Array(
      Type.Object({ ...OrderBody.properties, idempotencyKey: Type.Optional(IdempotencyKey) }, closed),
      { minItems: 1, maxItems: ordersMax },
    ),
  },
  closed,
);
const BatchAnswer = Type.Object({
  outcomes: Type.Array(
    Type.Object({
      run: Type.Optional(Type.String()),
      state: Type.Optional(Type.String()),
      fresh: Type.Optional(Type.Boolean({ description: 'false of a run that the idempotency key stood for already' })),
      error: Type.Optional(
        Type.Object({
          ...ErrorBody.properties.error.properties,
          retry: Type.String({ description: 'terminal, or retryable: the same order may be taken later' }),
        }),
      ),
    }),
    { description: 'one for each order, in their order: either a run, or the error that kept this order alone back' },
  ),
});

export function addOrderRoutes(app: App, ready: Ready): void {
  addOrder(app, ready);
  addBatch(app, ready);
}

function addOrder(app: App, ready: Ready): void {
  app.post<{ Params: WorkflowName; Body: Static<typeof OrderBody>; Headers: Static<typeof OrderHeaders> }>(
    '/v1/workflows/:name/runs',
    {
      schema: {
        summary: 'Starts a run; under an idempotency key once, with another body never',
        params: WorkflowName,
        headers: OrderHeaders,
        body: OrderBody,
        response: { 201: RunState, ...errors },
      },
      preValidation: allowNoBody,
    },
    async (request, reply) => {
      const order = orderOf({ ...request.body, idempotencyKey: request.headers['idempotency-key'] });
      const { run, state, fresh } = await ready().runs.start(request, request.params.name, order);
      if (!fresh) void reply.header('idempotent-replayed', 'true');
      return reply.code(201).header('location', `/v1/runs/${run}`).send({ run, state });
    },
  );
}

function addBatch(app: App, ready: Ready): void {
  app.post<{ Params: WorkflowName; Body: Static<typeof BatchBody> }>(
    '/v1/workflows/:name/runs/batch',
    {
      schema: {
        summary: `Starts up to ${ordersMax} runs; each order has its own outcome, and keeps no other back`,
        params: WorkflowName,
        body: BatchBody,
        response: { 200: BatchAnswer, ...errors, 413: ErrorBody },
      },
      // An order that is not as the schema has it is refused alone, by the handler.
      attachValidation: true,
      errorHandler(error, request) {
        if (error.code !== 'FST_ERR_CTP_BODY_TOO_LARGE') throw error;
        throw bodyTooLarge(request.routeOptions.bodyLimit);
      },
    },
    async (request) => {
      const problems = problemsByOrder(request.validationError);
      const orders = request.body.orders.map((order, index) => {
        const found = problems.get(index);
        return found === undefined ? orderOf(order) : orderInvalid(found);
      });
      const outcomes = await ready().runs.startMany(request, request.params.name, orders);
      return { outcomes: outcomes.map(outcomeBody) };
    },
  );
}

function orderOf({
  parameters = {},
  ...order
}: Omit<Order, 'parameters'> & { parameters?: Order['parameters'] }): Order {
  return { parameters, ...order };
}

/** What the schema has against each order, by its place. Throws when it has something against the request itself. */
function problemsByOrder(error: (Error & { validation?: unknown }) | undefined): Map<number, string[]> {
  const found = new Map<number, string[]>();
  if (error === undefined) return found;
  for (const issue of (error.validation ?? []) as readonly Issue[]) {
    const [, order, place = ''] = /^\/orders\/(\d+)(?:\/(.*))?$/s.exec(issue.instancePath) ?? [];
    if (order === undefined) throw error;
    const own = found.get(Number(order)) ?? [];
    found.set(Number(order), own);
    if (own.length < problemsMax) own.push(tellIssue(issue, place.replaceAll('/', '.') || 'the order'));
  }
  return found;
}

interface Issue {
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

function tellIssue({ message = 'is not valid', params }: Issue, place: string): string {
  const extra = params?.['additionalProperty'];
  return `${place} ${message}${typeof extra === 'string' ? `: "${extra}"` : ''}`;
}

function outcomeBody(outcome: Outcome): Static<typeof BatchAnswer>['outcomes'][number] {
  if (!(outcome instanceof OrreryError)) return outcome;
  const { code, message, hint, retry } = outcome;
  return { error: { code, message, hint, retry } };
}
