import Type, { type Static } from 'typebox';
import { closed, Name } from './fields.ts';
import { Fallback, Limit, Retry, Timeouts } from './workflow-endurance.ts';

/** As many steps as a workflow may have, and as many needs as a step: one may join all the others. */
export const stepsMax = 100_000;

const kibibyte = 1024;
const thirtyDaysMs = 2_592_000_000;

const endurance = {
  retry: Type.Optional(Retry),
  timeouts: Type.Optional(Timeouts),
  limit: Type.Optional(Limit),
  fallback: Type.Optional(Fallback),
};

const stepFields = {
  name: Name,
  needs: Type.Optional(
    Type.Array(Name, { maxItems: stepsMax, description: 'steps that end well before this one starts; default none' }),
  ),
  ...endurance,
  updates: Type.Optional(
    Type.Array(Name, { minItems: 1, maxItems: 32, description: 'datasets that its success brings up to date' }),
  ),
};

const Pool = Type.Optional(
  Type.String({
    pattern: '^[a-z][a-z0-9-]{0,62}$',
    description: 'the line of ready steps that its workers take from; default default',
  }),
);

/** A handler in a worker. */
const task = {
  uses: Type.Literal('task'),
  with: Type.Object(
    {
      handler: Name,
      input: Type.Optional(Type.Unknown({ description: 'any JSON, with expressions; default null' })),
      pool: Pool,
    },
    closed,
  ),
};

/** A call to a peer service. A 202 with `location` is polled until its `state` is `succeeded` or `failed`. */
const http = {
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
      body: Type.Optional(Type.Unknown({ description: 'any JSON, with expressions; default none' })),
    },
    closed,
  ),
};

/** A program of the release in an isolated child process (in a cluster: a pod), with a workspace folder of its own. */
const program = {
  uses: Type.Literal('process'),
  with: Type.Object(
    {
      program: Name,
      arguments: Type.Optional(
        Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 32, description: 'with expressions; default none' }),
      ),
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
          memoryMiB: Type.Integer({
            minimum: 16,
            maximum: 262_144,
            description: 'MiB of memory, all processes together',
          }),
          processesMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 64' })),
          outputMiB: Type.Optional(
            Type.Integer({
              minimum: 1,
              maximum: 65_536,
              description: 'MiB that it may leave under out/; default 1024',
            }),
          ),
        },
        closed,
      ),
      pool: Pool,
    },
    closed,
  ),
};

/** A statement for ClickHouse; its result is `{ rows, … }`. */
const sql = {
  uses: Type.Literal('sql'),
  with: Type.Object(
    {
      statement: Type.String({
        minLength: 1,
        maxLength: 64 * kibibyte,
        description:
          'SQL of at most 64 KiB with typed parameters {name:Type}; no expressions: they stand in parameters',
      }),
      parameters: Type.Optional(
        Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$' }), Type.Unknown(), {
          maxProperties: 100,
          description: 'the values of the {name:Type} of the statement, with expressions; default none',
        }),
      ),
      rowsMax: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 100_000,
          description: 'rows of the result, more are an error; default 1000',
        }),
      ),
    },
    closed,
  ),
};

/** A run of another workflow of the same tenant, cancelled with its parent; its result is `{ run, state }`. */
const child = {
  uses: Type.Literal('workflow'),
  with: Type.Object(
    {
      workflow: Name,
      parameters: Type.Optional(
        Type.Record(Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,62}$' }), Type.Unknown(), {
          maxProperties: 100,
          description: 'with expressions; default: the defaults of that workflow',
        }),
      ),
    },
    closed,
  ),
};

/** What is done with every item of a map: `item` and `index` are known in its `with`. */
export const StepBody = Type.Union(
  [
    Type.Object({ ...task, ...endurance }, closed),
    Type.Object({ ...program, ...endurance }, closed),
    Type.Object({ ...http, ...endurance }, closed),
    Type.Object({ ...sql, ...endurance }, closed),
    Type.Object({ ...child, ...endurance }, closed),
  ],
  { description: 'what is done with each item: task, process, http, sql or workflow' },
);
export type StepBody = Static<typeof StepBody>;

/** The same for every item of a list that only the run knows; its result is `{ items, failed }`. */
const MapStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('map'),
    with: Type.Object(
      {
        over: Type.String({ minLength: 1, maxLength: 1000, description: 'one expression whose value is a list' }),
        itemsMax: Type.Optional(
          Type.Integer({ minimum: 1, maximum: stepsMax, description: 'a longer list is an error; default 10000' }),
        ),
        atOnce: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 10_000,
            description: 'items that are at work at the same time; default 100',
          }),
        ),
        failuresMax: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: stepsMax,
            description: 'items that may fail before the step does; default 0',
          }),
        ),
      },
      closed,
    ),
    step: StepBody,
  },
  closed,
);

/** Suspends the step, which holds no slot meanwhile; its result is the payload of the event, or null. */
const WaitStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('wait'),
    with: Type.Object(
      {
        forMs: Type.Optional(
          Type.Integer({ minimum: 1, maximum: thirtyDaysMs, description: 'ms from when it starts' }),
        ),
        until: Type.Optional(
          Type.String({ minLength: 1, maxLength: 500, description: 'a time, RFC 3339, or an expression for one' }),
        ),
        event: Type.Optional(Name),
        key: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 200,
            description:
              'the correlation key of the event, with expressions; default: any event of the name without a key',
          }),
        ),
        dataset: Type.Optional(Name),
        atLeast: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 500,
            description:
              'the time up to which the dataset must be, RFC 3339 or an expression; default: any update since the run started',
          }),
        ),
      },
      { ...closed, description: 'exactly one of forMs, until, event (with key) and dataset (with atLeast)' },
    ),
  },
  closed,
);

/** Suspends the step until enough of those named have approved it; one rejection fails it. */
const ApproveStep = Type.Object(
  {
    ...stepFields,
    uses: Type.Literal('approve'),
    with: Type.Object(
      {
        who: Type.Array(Name, { minItems: 1, maxItems: 32, description: 'the actors who may approve' }),
        quorum: Type.Optional(
          Type.Integer({ minimum: 1, maximum: 32, description: 'how many of them must approve; default 1' }),
        ),
        message: Type.Optional(
          Type.String({ maxLength: 2000, description: 'what they are asked, with expressions; default none' }),
        ),
      },
      closed,
    ),
  },
  closed,
);

/** The schema of each kind of step, by what it uses. */
export const stepSchemas = {
  task: Type.Object({ ...stepFields, ...task }, closed),
  process: Type.Object({ ...stepFields, ...program }, closed),
  http: Type.Object({ ...stepFields, ...http }, closed),
  sql: Type.Object({ ...stepFields, ...sql }, closed),
  map: MapStep,
  workflow: Type.Object({ ...stepFields, ...child }, closed),
  wait: WaitStep,
  approve: ApproveStep,
} as const;

export const Step = Type.Union([
  stepSchemas.task,
  stepSchemas.process,
  stepSchemas.http,
  stepSchemas.sql,
  stepSchemas.map,
  stepSchemas.workflow,
  stepSchemas.wait,
  stepSchemas.approve,
]);
export type Step = Static<typeof Step>;
export type StepUses = Step['uses'];
