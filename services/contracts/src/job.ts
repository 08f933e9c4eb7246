import Type, { type Static } from 'typebox';

/** Long work behind an API: the POST answers 202 with `location`, which is polled until the state is final. */
export const Job = Type.Object({
  id: Type.String(),
  state: Type.Union([Type.Literal('running'), Type.Literal('succeeded'), Type.Literal('failed')]),
  location: Type.String(),
  progress: Type.Optional(Type.Object({ done: Type.Number(), total: Type.Number(), unit: Type.String() })),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(
    Type.Object({ code: Type.String(), message: Type.String(), hint: Type.String(), retryable: Type.Boolean() }),
  ),
});
export type Job = Static<typeof Job>;
