import Type, { type Static } from 'typebox';
import { closed, Name, Tenant } from './definitions/fields.ts';

/** The topic on which every transition of every run is an event. Key: the run. */
export const runEventsTopic = 'orrery.run-events';

/** One transition of a run or of one of its steps. `sequence` has no gap within a run. */
export const RunEvent = Type.Object(
  {
    schema: Type.Literal(1),
    tenant: Tenant,
    actor: Type.String(),
    workflow: Name,
    definition: Type.String({ description: 'digest of the workflow definition that the run keeps for life' }),
    run: Type.String(),
    sequence: Type.Integer({ minimum: 1 }),
    step: Type.String({ description: 'empty for a transition of the run itself' }),
    attempt: Type.Integer({ minimum: 0 }),
    fence: Type.Integer({ minimum: 0 }),
    from: Type.String(),
    to: Type.String(),
    reason: Type.String(),
    atMs: Type.Integer({ description: "Redis's clock" }),
    release: Type.String(),
  },
  closed,
);
export type RunEvent = Static<typeof RunEvent>;
