import { Name } from '@orrery/contracts/definitions/fields';
import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import type { LimitName } from '../control/scopes.ts';
import { closed, errors, Reason, Time } from './schemas.ts';
import type { Ready } from './started.ts';

/** The largest number of each, and what it bounds. */
const bounds = {
  leases: [1_000_000, 'attempts of the tenant at the same time'],
  weight: [1000, "the tenant's share of each pool beside other tenants"],
  retries: [1_000_000, 'retries of the tenant that may begin in a minute'],
  pool: [1_000_000, 'attempts in the pool at the same time, in each shard'],
} as const;

function orderOf(name: LimitName) {
  const [maximum, what] = bounds[name];
  const most = Type.Union([Type.Integer({ minimum: 1, maximum }), Type.Null()], {
    description: `${what}; null: no limit`,
  });
  return Type.Object({ most, reason: Type.Optional(Reason) }, closed);
}

interface LimitOrder {
  readonly most: number | null;
  readonly reason?: string;
}

const LimitView = Type.Object({
  limit: Type.String(),
  of: Type.String({ description: 'the tenant, or the pool' }),
  most: Type.Union([Type.Integer(), Type.Null()]),
  held: Type.Union([Type.Integer(), Type.Null()], {
    description: 'leases that count there; null where none are counted',
  }),
});
const Limits = Type.Object({
  limits: Type.Array(LimitView),
  pauses: Type.Record(Type.String(), Type.Object({ actor: Type.String(), reason: Type.String(), atMs: Time }), {
    description: '`tenant`, or `workflow <name>` -> who paused it, why and when',
  }),
});
const PoolName = Type.Object({ pool: Name });

export function addLimitRoutes(app: App, ready: Ready): void {
  app.get(
    '/v1/limits',
    { schema: { summary: 'The limits and pauses that hold for the tenant', response: { 200: Limits, ...errors } } },
    async (request) => {
      const { scopes } = ready();
      const [limits, pauses] = await Promise.all([scopes.limits(request.tenant), scopes.pauses(request.tenant)]);
      return { limits, pauses };
    },
  );
  for (const name of ['leases', 'weight', 'retries'] as const) {
    app.put<{ Body: LimitOrder }>(
      `/v1/limits/${name}`,
      {
        schema: {
          summary: `Limits ${bounds[name][1]}`,
          body: orderOf(name),
          response: { 200: LimitView, ...errors },
        },
      },
      (request) => {
        const { most, reason = '' } = request.body;
        return ready().scopes.limit(request, name, { most, reason });
      },
    );
  }
  app.put<{ Params: Static<typeof PoolName>; Body: LimitOrder }>(
    '/v1/limits/pools/:pool',
    {
      schema: {
        summary: `Limits ${bounds.pool[1]}`,
        params: PoolName,
        body: orderOf('pool'),
        response: { 200: LimitView, ...errors },
      },
    },
    (request) => {
      const { most, reason = '' } = request.body;
      return ready().scopes.limit(request, 'pool', { pool: request.params.pool, most, reason });
    },
  );
}
