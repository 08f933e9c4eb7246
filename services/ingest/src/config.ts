import Type, { type Static } from 'typebox';

export const Settings = Type.Object({
  attemptsMax: Type.Integer({
    minimum: 1,
    maximum: 20,
    default: 8,
    description: 'tries of one call to ClickHouse before the run fails; with the waits below they outlast about 30 s',
  }),
  backoffMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 250 }),
  backoffMaxMs: Type.Integer({ minimum: 1, maximum: 60_000, default: 10_000 }),
});
export type Settings = Static<typeof Settings>;
