import Type from 'typebox';
import { Time } from './schemas.ts';

export const StepView = Type.Object({
  name: Type.String(),
  ref: Type.String({ description: 'number of the step, 12.5 for an item of a map' }),
  uses: Type.String(),
  state: Type.String(),
  attempt: Type.Integer(),
  startedAtMs: Time,
  endedAtMs: Time,
  degraded: Type.Optional(
    Type.Literal(true, { description: 'it succeeded with the result of its fallback; error is that of its last try' }),
  ),
  items: Type.Optional(Type.Object({ items: Type.Integer(), ended: Type.Integer(), failed: Type.Integer() })),
  approvals: Type.Optional(Type.Unknown()),
  progress: Type.Optional(Type.Unknown()),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(Type.Unknown()),
});
