import Type, { type Static } from 'typebox';
import { closed, Name } from './fields.ts';

const thirtyDaysSeconds = 2_592_000;

const parameters = {
  parameters: Type.Optional(
    Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,62}$' }), Type.Unknown(), {
      maxProperties: 100,
      description: 'what runs of this trigger are given; expressions may name event and run; default: their defaults',
    }),
  ),
};

const clocked = {
  overlap: Type.Optional(
    Type.Union([Type.Literal('queue'), Type.Literal('skip'), Type.Literal('replace')], {
      description:
        'while runsMax runs are there already: queue the run, skip it, or cancel the oldest and start it; default queue',
    }),
  ),
  catchUp: Type.Optional(
    Type.Object(
      {
        runs: Type.Optional(
          Type.Enum(['latest', 'all', 'none'], {
            description: 'which of the times that were missed, while nothing ran, are made up for; default latest',
          }),
        ),
        withinSeconds: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: thirtyDaysSeconds,
            description: 'seconds after which a missed time is let go; default 60',
          }),
        ),
      },
      closed,
    ),
  ),
  ...parameters,
};

const noClock = 'only triggers with a clock can overlap or catch up: cron, everySeconds, dataset, workflow';
const unclocked = {
  overlap: Type.Optional(Type.Never({ description: noClock })),
  catchUp: Type.Optional(Type.Never({ description: noClock })),
  ...parameters,
};

/** Someone asks for the run. */
const ManualTrigger = Type.Object({ manual: Type.Literal(true), ...unclocked }, closed);

/** At wall-clock times. */
const CronTrigger = Type.Object(
  {
    cron: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'minute hour day-of-month month day-of-week, or six fields with seconds before them',
    }),
    timezone: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'an IANA time zone, for example Europe/Berlin; default UTC',
      }),
    ),
    ...clocked,
  },
  closed,
);

/** Every so many seconds, counted from 1970 in UTC, so that all orchestrators mean the same instants. */
const IntervalTrigger = Type.Object(
  {
    everySeconds: Type.Integer({ minimum: 1, maximum: thirtyDaysSeconds, description: 'seconds between two runs' }),
    offsetSeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: thirtyDaysSeconds,
        description: 'seconds by which all of them are later; less than everySeconds; default 0',
      }),
    ),
    ...clocked,
  },
  closed,
);

/** Each event of this name, once for each. */
const EventTrigger = Type.Object(
  {
    event: Name,
    key: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'only events with this correlation key; default all' }),
    ),
    ...unclocked,
  },
  closed,
);

/** When all these datasets have been brought up to date since the last run, or have grown too old. */
const DatasetTrigger = Type.Object(
  {
    dataset: Type.Union([Name, Type.Array(Name, { minItems: 1, maxItems: 32 })], {
      description: 'the name of a dataset, or a list of names: all of them',
    }),
    olderThanSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 31_536_000,
        description: 'fires when one of them is older than this, instead of when all are newer; default: not by age',
      }),
    ),
    ...clocked,
  },
  closed,
);

/** A signed call from outside, to /v1/hooks/{tenant}/{name}. */
const WebhookTrigger = Type.Object({ webhook: Name, ...unclocked }, closed);

/** A run of another workflow of the tenant has ended; the new run has the same logical time. */
const WorkflowTrigger = Type.Object(
  {
    workflow: Name,
    on: Type.Optional(
      Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('ended')], {
        description: 'which end counts; ended is either, or a cancel; default succeeded',
      }),
    ),
    ...clocked,
  },
  closed,
);

export const Trigger = Type.Union([
  ManualTrigger,
  CronTrigger,
  IntervalTrigger,
  EventTrigger,
  DatasetTrigger,
  WebhookTrigger,
  WorkflowTrigger,
]);
export type Trigger = Static<typeof Trigger>;
