import { Name } from '@orrery/contracts/definitions/fields';
import { ErrorBody } from '@orrery/contracts/health';
import Type, { type Static } from 'typebox';

export const closed = { additionalProperties: false } as const;
export const errors = {
  400: ErrorBody,
  401: ErrorBody,
  403: ErrorBody,
  404: ErrorBody,
  409: ErrorBody,
  429: ErrorBody,
  503: ErrorBody,
};

export const WorkflowName = Type.Object({ name: Name });
export type WorkflowName = Static<typeof WorkflowName>;
export const RunName = Type.Object({ id: Type.String({ maxLength: 64 }) });
export type RunName = Static<typeof RunName>;
export const StepName = Type.Object({
  ...RunName.properties,
  step: Type.String({ maxLength: 80, description: 'name of the step, or <map>.<index> for an item' }),
});
export type StepName = Static<typeof StepName>;

export const Time = Type.Union([Type.Integer(), Type.Null()], { description: 'milliseconds since 1970' });
export const Reason = Type.String({ maxLength: 500, description: 'why: it stands in the log beside who did it' });
export const DryRun = Type.Boolean({ description: 'only tells what it would do, and what it would be refused' });
export const Cursor = Type.String({ maxLength: 120, description: '`next` of the page before' });
export const Priority = Type.Integer({ minimum: 0, maximum: 9, description: '9 first' });
export const GraceMs = Type.Integer({
  minimum: 0,
  maximum: 3_600_000,
  default: 10_000,
  description: 'how long attempts in progress have to stop by themselves',
});

export const runStates = ['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'resetting'] as const;
export const StateFilter = Type.Union(
  [...runStates, 'paused'].map((word) => Type.Literal(word)),
  { description: 'of the run; paused is beside the others' },
);

/** Nothing to say is the same as an empty order. */
export async function allowNoBody(request: { body: unknown }): Promise<void> {
  if (request.body === undefined || request.body === null) request.body = {};
}
