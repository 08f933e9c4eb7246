import Type, { type Static } from 'typebox';
import { closed, Name, Schema, Tenant } from './fields.ts';

const Milliseconds = (maximum: number) => Type.Integer({ minimum: 1, maximum });

const Retry = Type.Object(
  {
    attemptsMax: Type.Integer({ minimum: 1, maximum: 20, description: 'tries in all; default 1' }),
    backoffMs: Type.Optional(Milliseconds(3_600_000)),
    backoffMaxMs: Type.Optional(Milliseconds(3_600_000)),
    jitter: Type.Optional(Type.Union([Type.Literal('full'), Type.Literal('none')], { description: 'default full' })),
  },
  {
    ...closed,
    description: 'waits backoffMs x 2^(attempt-1), at most backoffMaxMs, times a random share when jitter is full',
  },
);

const stepFields = {
  name: Name,
  needs: Type.Optional(Type.Array(Name, { maxItems: 64, description: 'steps that end well before this one starts' })),
  retry: Type.Optional(Retry),
  timeoutSeconds: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 86_400, description: 'of one attempt; default 300' }),
  ),
};

/** A call to a peer service. A 202 with `location` is polled until its `state` is `succeeded` or `failed`. */
const HttpStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('http'),
    with: Type.Object(
      {
        service: Name,
        method: Type.Optional(
          Type.Union([Type.Literal('GET'), Type.Literal('POST'), Type.Literal('PUT')], { description: 'default POST' }),
        ),
        path: Type.String({
          pattern: '^/(?![/\\\\])',
          maxLength: 500,
          description: 'a path of the service, beginning with one slash; expressions in it are URL-encoded',
        }),
        body: Type.Optional(Type.Unknown()),
      },
      closed,
    ),
  },
  closed,
);

/** A program of the release in an isolated child process (in a cluster: a pod), with a workspace folder of its own. */
const ProcessStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('process'),
    with: Type.Object(
      {
        program: Name,
        arguments: Type.Optional(Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 32 })),
        inputs: Type.Optional(
          Type.Record(Type.String({ pattern: '^[A-Za-z0-9._-]{1,100}$' }), Type.Unknown(), {
            description:
              'files laid into the workspace: a digest brings the object from the store, anything else becomes JSON',
          }),
        ),
        reuse: Type.Optional(
          Type.Literal('same-inputs', {
            description:
              'a program that is a function of its inputs: an earlier result of the same program and inputs is taken',
          }),
        ),
        limits: Type.Object(
          {
            memoryMiB: Type.Integer({ minimum: 16, maximum: 262_144 }),
            processesMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 64' })),
            outputMiB: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_536, description: 'default 1024' })),
          },
          closed,
        ),
      },
      closed,
    ),
  },
  closed,
);

/** Waits inside the orchestrator, without holding a worker. */
const SleepStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('sleep'),
    with: Type.Object({ milliseconds: Milliseconds(86_400_000) }, closed),
  },
  closed,
);

export const Step = Type.Union([HttpStep, ProcessStep, SleepStep]);
export type Step = Static<typeof Step>;

export const Trigger = Type.Union([
  Type.Object(
    { cron: Type.String({ maxLength: 100 }), timezone: Type.Optional(Type.String({ maxLength: 64 })) },
    closed,
  ),
  Type.Object({ manual: Type.Literal(true) }, closed),
]);
export type Trigger = Static<typeof Trigger>;

export const Workflow = Type.Object(
  {
    kind: Type.Literal('Workflow'),
    schema: Schema,
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    tenant: Type.Optional(Tenant),
    owner: Name,
    triggers: Type.Array(Trigger, { minItems: 1, maxItems: 16 }),
    parameters: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,62}$' }),
        Type.Object(
          {
            type: Type.Union([Type.Literal('string'), Type.Literal('number'), Type.Literal('boolean')]),
            default: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
            description: Type.Optional(Type.String({ maxLength: 500 })),
          },
          closed,
        ),
      ),
    ),
    runsMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'runs at the same time; default 1' }),
    ),
    timeoutSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 604_800, description: 'of the whole run; default 3600' }),
    ),
    steps: Type.Array(Step, { minItems: 1, maxItems: 1000 }),
  },
  { ...closed, $id: 'https://orrery.dev/schema/workflow.json', title: 'Workflow' },
);
export type Workflow = Static<typeof Workflow>;
