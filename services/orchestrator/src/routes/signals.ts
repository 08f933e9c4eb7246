import { Name } from '@orrery/contracts/definitions/fields';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import { hookBodyBytesMax } from '../triggers/webhook.ts';
import { allowNoBody, closed, errors } from './schemas.ts';
import type { Ready } from './started.ts';

const Event = Type.Object(
  {
    event: Name,
    key: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'only steps and triggers with this key' }),
    ),
    payload: Type.Optional(Type.Unknown({ description: 'any JSON: the result of the steps that it wakes' })),
    keepMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 7 * 86_400_000,
        default: 0,
        description: 'how long it also wakes steps that begin to wait for it later',
      }),
    ),
    id: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9._:-]{1,128}$',
        description: 'the same at each try: it starts its runs once',
      }),
    ),
  },
  closed,
);
const EventAnswer = Type.Object({
  id: Type.String(),
  delivered: Type.Integer({ description: 'steps that it woke at once' }),
});
const DatasetName = Type.Object({ name: Name });
const Update = Type.Object(
  { atMs: Type.Optional(Type.Integer({ minimum: 0, description: 'up to when it is complete; default: this moment' })) },
  closed,
);
const OwnHookName = Type.Object({ name: Name });
const HookName = Type.Object({ tenant: Name, name: Name });
const HookHeaders = Type.Object({
  'x-orrery-signature': Type.Optional(Type.String({ maxLength: 1000 })),
  'x-orrery-delivery': Type.Optional(Type.String({ maxLength: 128 })),
});

/** What comes from outside. */
export function addSignalRoutes(app: App, ready: Ready): void {
  app.post<{ Body: Static<typeof Event> }>(
    '/v1/events',
    {
      schema: {
        summary: 'An event: wakes the steps that wait for it and starts the runs that it triggers',
        body: Event,
        response: { 202: EventAnswer, ...errors },
      },
    },
    async (request, reply) => reply.code(202).send(await ready().intake.event(request, request.body)),
  );
  app.post<{ Params: Static<typeof DatasetName>; Body: Static<typeof Update> }>(
    '/v1/datasets/:name/updates',
    {
      schema: {
        summary: 'A dataset is up to date',
        params: DatasetName,
        body: Update,
        response: { 202: Type.Object({ dataset: Type.String(), atMs: Type.Integer() }), ...errors },
      },
      preValidation: allowNoBody,
    },
    async (request, reply) => {
      return reply.code(202).send(await ready().intake.dataset(request, request.params.name, request.body.atMs));
    },
  );
  app.get<{ Params: Static<typeof OwnHookName> }>(
    '/v1/hooks/:name',
    {
      schema: {
        summary: 'Where deliveries to a hook of the tenant go, and the secret that signs them',
        params: OwnHookName,
        response: { 200: Type.Object({ path: Type.String(), secret: Type.String() }), ...errors },
      },
    },
    (request) => {
      const { tenant, params } = request;
      return { path: `/v1/hooks/${tenant}/${params.name}`, secret: ready().hookSecret(tenant, params.name) };
    },
  );
  addHooks(app, ready);
}

/** In a scope of its own: a signature is over the bytes as they came. */
function addHooks(app: App, ready: Ready): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: hookBodyBytesMax }, (_request, body, done) =>
      done(null, body),
    );
    scope.post<{ Params: Static<typeof HookName>; Headers: Static<typeof HookHeaders>; Body: Buffer | undefined }>(
      '/v1/hooks/:tenant/:name',
      {
        // The signature alone lets it in.
        config: { open: true },
        schema: {
          summary: 'A delivery to a webhook, signed by its sender; starts the runs that it triggers',
          params: HookName,
          headers: HookHeaders,
          security: [],
          response: { 202: Type.Object({ id: Type.String() }), ...errors },
        },
      },
      async (request, reply) => {
        const answer = await ready().intake.hook({
          tenant: request.params.tenant,
          hook: request.params.name,
          signature: request.headers['x-orrery-signature'],
          delivery: request.headers['x-orrery-delivery'],
          body: request.body ?? Buffer.alloc(0),
        });
        return reply.code(202).send(answer);
      },
    );
  });
}
