import Type, { type Static } from 'typebox';

/** What `/healthz` of every service answers. */
export const Health = Type.Object({
  service: Type.String(),
  status: Type.Literal('ok'),
  environment: Type.String(),
  release: Type.String(),
  version: Type.Object({ own: Type.String(), closure: Type.String() }),
});
export type Health = Static<typeof Health>;

/** What every API answers when it can't do what was asked. */
export const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    hint: Type.String(),
    problems: Type.Optional(Type.Array(Type.String())),
  }),
});
export type ErrorBody = Static<typeof ErrorBody>;
