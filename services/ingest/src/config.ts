import Type, { type Static } from 'typebox';

export const Settings = Type.Object({
  attemptsMax: Type.Integer({
    minimum: 1,
    maximum: 20,
    default: 8,
    description: 'tries of one call to ClickHouse before the run fails; by the defaults they span 13 s on average',
  }),
  backoffMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 250 }),
  backoffMaxMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 10_000 }),
});
export type Settings = Static<typeof Settings>;
