import Type, { type Static } from 'typebox';
import { closed, Name, Schema, Tenant } from './fields.ts';
import { Step, stepsMax } from './workflow-steps.ts';
import { Trigger } from './workflow-triggers.ts';

export { Step, StepBody } from './workflow-steps.ts';
export type { ErrorClass, Fallback, Limit, Retry, Timeouts } from './workflow-endurance.ts';
export { Trigger } from './workflow-triggers.ts';

export const Parameter = Type.Object(
  {
    type: Type.Union([Type.Literal('string'), Type.Literal('number'), Type.Literal('boolean')]),
    default: Type.Optional(
      Type.Union([Type.String(), Type.Number(), Type.Boolean()], { description: 'default: the run must be given it' }),
    ),
    description: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
);
export type Parameter = Static<typeof Parameter>;

const head = {
  kind: Type.Literal('Workflow'),
  schema: Schema,
  name: Name,
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  tenant: Type.Optional(Tenant),
  owner: Name,
  triggers: Type.Array(Trigger, { minItems: 1, maxItems: 16, description: 'what starts runs' }),
  parameters: Type.Optional(
    Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,62}$' }), Parameter, {
      maxProperties: 100,
      description: 'what a run is given; default none',
    }),
  ),
  priority: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 9, description: 'of its steps among those of the tenant, 9 first; default 5' }),
  ),
  runsMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'runs at the same time; default 1' })),
  timeoutSeconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 2_592_000, description: 'seconds that the whole run may take; default 3600' }),
  ),
};

export const Workflow = Type.Object(
  {
    ...head,
    steps: Type.Array(Step, {
      minItems: 1,
      maxItems: stepsMax,
      description: 'in any order: needs alone say what waits',
    }),
  },
  { ...closed, $id: 'https://orrery.dev/schema/workflow.json', title: 'Workflow' },
);
export type Workflow = Static<typeof Workflow>;

/** The same with any steps: so many are judged one by one, each by the schema of its kind. */
export const WorkflowHead = Type.Object(
  { ...head, steps: Type.Array(Type.Unknown(), { minItems: 1, maxItems: stepsMax }) },
  closed,
);
