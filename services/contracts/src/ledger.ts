import Type, { type Static } from 'typebox';
import { closed } from './definitions/fields.ts';
import { Pin } from './pin.ts';
import { DigestField } from './release.ts';

const Number = Type.Integer({ minimum: 1, description: 'a number of the same ledger' });
const StepName = Type.String({ minLength: 1, maxLength: 200 });
const Urns = Type.Array(Type.String(), { description: 'sorted' });
const Count = Type.Integer({ minimum: 0 });

/** How many resources a step touched, and which: `done` were touched, `failed` were tried. */
export const TouchedResources = Type.Object(
  { created: Count, updated: Count, replaced: Count, deleted: Count, unchanged: Count, done: Urns, failed: Urns },
  closed,
);
export type TouchedResources = Static<typeof TouchedResources>;

/** The environment stands on something else from here on. */
const PinMoved = Type.Object(
  {
    kind: Type.Union([Type.Literal('pin'), Type.Literal('rollback'), Type.Literal('go-live')]),
    pin: Pin,
    from: Type.Union([DigestField, Type.Null()], { description: 'digest of the pin before' }),
  },
  closed,
);

/** Somebody begins to make what runs follow a pin. The number of this entry is the deployment's. */
const DeploymentStarted = Type.Object(
  { kind: Type.Literal('deployment-started'), pin: Pin, steps: Type.Array(StepName) },
  closed,
);

const DeploymentStep = Type.Object(
  {
    kind: Type.Literal('deployment-step'),
    deployment: Number,
    step: StepName,
    outcome: Type.Union([Type.Literal('started'), Type.Literal('done'), Type.Literal('failed')]),
    detail: Type.Optional(Type.String()),
    resources: Type.Optional(TouchedResources),
  },
  closed,
);

const DeploymentEnded = Type.Object(
  {
    kind: Type.Literal('deployment-ended'),
    deployment: Number,
    outcome: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('interrupted')]),
    standsOn: Type.Union(
      [Type.Literal('target'), Type.Literal('previous'), Type.Literal('partial'), Type.Literal('unknown')],
      { description: 'what runs once the deployment has ended' },
    ),
    state: Type.Optional(DigestField),
  },
  closed,
);

/**
 * One entry of an environment's ledger, a file of its own; `previous` chains it to the entry before. `fence` is the number of the
 * lease under which it was written: it never falls.
 */
export const LedgerEntry = Type.Object(
  {
    schema: Type.Literal(2),
    number: Type.Integer({ minimum: 1 }),
    previous: Type.Union([DigestField, Type.Null()]),
    at: Type.String(),
    actor: Type.String(),
    reason: Type.String(),
    fence: Count,
    event: Type.Union([PinMoved, DeploymentStarted, DeploymentStep, DeploymentEnded]),
  },
  closed,
);
export type LedgerEntry = Static<typeof LedgerEntry>;
export type LedgerEvent = LedgerEntry['event'];
export type PinMoved = Static<typeof PinMoved>;
export type DeploymentStarted = Static<typeof DeploymentStarted>;
export type DeploymentStep = Static<typeof DeploymentStep>;
export type DeploymentEnded = Static<typeof DeploymentEnded>;
