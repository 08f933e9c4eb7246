import Type, { type Static } from 'typebox';
import { closed } from './fields.ts';

/** What one kind of error is called, wherever it comes from: a worker, a peer, a program, the orchestrator itself. */
export const errorClasses = ['timeout', 'unavailable', 'throttled', 'resources', 'inputs', 'failure'] as const;

export const ErrorClass = Type.Union(
  [
    Type.Literal('timeout', { description: 'it took longer than its time' }),
    Type.Literal('unavailable', { description: 'what it calls does not answer' }),
    Type.Literal('throttled', { description: 'what it calls asks for patience' }),
    Type.Literal('resources', { description: 'memory, disk or processes ran out' }),
    Type.Literal('inputs', { description: 'it was given what it can never work with: ends the retries by default' }),
    Type.Literal('failure', { description: 'everything else' }),
  ],
  { description: 'the class of an error' },
);
export type ErrorClass = Static<typeof ErrorClass>;

const dayMs = 86_400_000;
const thirtyDaysSeconds = 2_592_000;

const AttemptsMax = Type.Integer({
  minimum: 1,
  maximum: 20,
  description: 'tries in all, the first one too; default 1',
});
const BackoffMs = Type.Integer({
  minimum: 1,
  maximum: 3_600_000,
  description: 'ms before the second try, doubled before every further one; default 1000',
});

const ClassRetry = Type.Object(
  { attemptsMax: Type.Optional(AttemptsMax), backoffMs: Type.Optional(BackoffMs) },
  { ...closed, description: 'what differs for this class of error; the rest is as for all' },
);

/** How often and when a step is tried again. */
export const Retry = Type.Object(
  {
    attemptsMax: AttemptsMax,
    backoffMs: Type.Optional(BackoffMs),
    backoffMaxMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: dayMs,
        description: 'ms that a wait between two tries is at most; default 60000',
      }),
    ),
    jitter: Type.Optional(
      Type.Union([Type.Literal('full'), Type.Literal('none')], {
        description: 'full takes a random share of every wait, none waits all of it; default full',
      }),
    ),
    classes: Type.Optional(
      Type.Object(
        {
          timeout: Type.Optional(ClassRetry),
          unavailable: Type.Optional(ClassRetry),
          throttled: Type.Optional(ClassRetry),
          resources: Type.Optional(ClassRetry),
          inputs: Type.Optional(ClassRetry),
          failure: Type.Optional(ClassRetry),
        },
        {
          ...closed,
          description: 'other numbers by the class of the error; inputs are tried once unless they stand here',
        },
      ),
    ),
  },
  {
    ...closed,
    description: 'waits backoffMs x 2^(attempt-1), at most backoffMaxMs, times a random share when jitter is full',
  },
);
export type Retry = Static<typeof Retry>;

/** The four clocks of a step. Each that runs out ends in the error class `timeout`. */
export const Timeouts = Type.Object(
  {
    attemptSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'seconds that one try may take; default 300' }),
    ),
    queueSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: thirtyDaysSeconds,
        description: 'seconds that the ready step may wait for a worker; default: as long as the run',
      }),
    ),
    totalSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: thirtyDaysSeconds,
        description:
          'seconds from when the step is first ready until it has ended, all tries and waits included; the expiry of an approval; default: as long as the run',
      }),
    ),
    heartbeatSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 86_400,
        description: 'seconds that a try may go on without a word of progress; default: none are asked for',
      }),
    ),
  },
  closed,
);
export type Timeouts = Static<typeof Timeouts>;

/** At most so many at a time, counted by key over all runs of the tenant. */
export const Limit = Type.Object(
  {
    key: Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'what the slots are counted by; expressions may name parameters, run and item',
    }),
    max: Type.Integer({ minimum: 1, maximum: 1000, description: 'attempts with this key at the same time, exactly' }),
  },
  closed,
);
export type Limit = Static<typeof Limit>;

/** Graceful degradation: what the step succeeds with, marked degraded, when all tries have failed. */
export const Fallback = Type.Object(
  {
    result: Type.Unknown({ description: 'any JSON of at most 64 KiB, without expressions' }),
    classes: Type.Optional(
      Type.Array(ErrorClass, { minItems: 1, maxItems: 6, description: 'only for these classes of error; default all' }),
    ),
  },
  closed,
);
export type Fallback = Static<typeof Fallback>;
