import Type from 'typebox';
import { PairStage } from '@orrery/contracts/pair';
import { DigestField } from '@orrery/contracts/release';
import type { App } from '@orrery/kit/http';
import { formatCard } from './card.ts';
import type { PairState } from './pairs.ts';
import { Registration } from './registrations.ts';
import type { Registry } from './registry.ts';

const closed = { additionalProperties: false } as const;
const ByName = Type.Object({ name: Type.String() });
const ByPair = Type.Object({ pair: DigestField });
const listMax = 500;
const ListQuery = Type.Object(
  {
    model: Type.Optional(Type.String()),
    stage: Type.Optional(PairStage),
    limit: Type.Integer({ minimum: 1, maximum: listMax, default: 50 }),
  },
  closed,
);
const Transition = Type.Object({ to: PairStage, reason: Type.String({ minLength: 1, maxLength: 500 }) }, closed);
const Live = Type.Object({ release: DigestField, live: Type.Record(Type.String(), DigestField) }, closed);
const LiveQuery = Type.Object({ at: Type.Optional(Type.String({ maxLength: 40 })) }, closed);

export function addRoutes(app: App, registry: Registry): void {
  addModelRoutes(app, registry);
  addPairRoutes(app, registry);
  app.put('/v1/live', { schema: { body: Live } }, async (request) => {
    const { release, live } = request.body as { release: string; live: Record<string, string> };
    return registry.setLive(release, live, request.actor);
  });
  app.get('/v1/live', { schema: { querystring: LiveQuery } }, (request) => {
    const { at } = request.query as { at?: string };
    return { live: registry.pairs.liveAt(at ?? new Date().toISOString()) };
  });
}

function addModelRoutes(app: App, registry: Registry): void {
  app.get('/v1/models', () => ({
    models: [...registry.models.values()].map(({ definition, digest }) => ({ name: definition.name, digest })),
  }));
  app.get('/v1/models/:name', { schema: { params: ByName } }, (request) => {
    const { name } = request.params as { name: string };
    const live = registry.pairs.liveAt(new Date().toISOString())[name];
    return { ...registry.model(name), live: live?.pair ?? null };
  });
}

function addPairRoutes(app: App, registry: Registry): void {
  app.post('/v1/pairs', { schema: { body: Registration } }, async (request, reply) => {
    const registered = await registry.register(request.body as Registration, request.tenant, request.actor);
    return reply.code(201).send(registered);
  });
  app.get('/v1/pairs', { schema: { querystring: ListQuery } }, (request) => {
    const { model, stage, limit } = request.query as { model?: string; stage?: string; limit: number };
    const matches = (state: PairState) =>
      (model ?? state.model) === state.model && (stage ?? state.stage) === state.stage;
    return { pairs: registry.pairs.list(request.tenant).filter(matches).slice(0, limit) };
  });
  app.get('/v1/pairs/:pair', { schema: { params: ByPair } }, async (request) => {
    const { pair } = request.params as { pair: string };
    const document = await registry.document(pair, request.tenant);
    return { ...registry.pair(pair, request.tenant), document };
  });
  app.get('/v1/pairs/:pair/card', { schema: { params: ByPair } }, async (request, reply) => {
    const { pair } = request.params as { pair: string };
    const card = await registry.card(pair, request.tenant);
    const markdown = request.headers.accept?.includes('text/markdown') === true;
    return markdown ? reply.type('text/markdown; charset=utf-8').send(formatCard(card)) : card;
  });
  app.get('/v1/pairs/:pair/events', { schema: { params: ByPair } }, (request) => {
    const { pair } = request.params as { pair: string };
    registry.pair(pair, request.tenant);
    return { events: registry.pairs.events(pair) };
  });
  app.post('/v1/pairs/:pair/transitions', { schema: { params: ByPair, body: Transition } }, async (request) => {
    const { pair } = request.params as { pair: string };
    const { to, reason } = request.body as { to: PairState['stage']; reason: string };
    return registry.transition(pair, to, reason, { tenant: request.tenant, actor: request.actor });
  });
}
