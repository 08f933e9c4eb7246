import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import Type from 'typebox';
import { closed } from './definitions/fields.ts';
import { describeErrors } from './schema-problems.ts';

/**
 * The topic that is the log of the orchestrator: one entry a call that changed something, key: the shard. In a shard `n` has no gap,
 * so that a reader sees what is missing; within a run `sequence` has none.
 */
export const runEventsTopic = 'orrery.run-events';

/** The second form of the topic: the first had an event a message, without the call that made it. Stands in the header `schema`. */
export const runLogSchema = 2;

/** Bytes of an entry: beside its key and headers it fits into one event of the bus. */
export const entryBytesMax = 480 * 1024;
export const entryEventsMax = 10_000;

const word = (description: string) => Type.String({ maxLength: 64, description });

/**
 * An event as it lies in an entry, by position: a call makes hundreds, and names would be most of their bytes. JSON Schema's words
 * for a list by position are `prefixItems` and `items: false`.
 */
const RunEventTuple = Type.Unsafe<RunEventTuple>({
  type: 'array',
  description: 'run, sequence, ref, step, attempt, fence, from, to, reason, actor, and of a claimed step its pool',
  prefixItems: [
    Type.String({ minLength: 1, maxLength: 64, description: 'run: a key of `runs`' }),
    Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: 'sequence: from 1, without a gap within the run' }),
    Type.String({ pattern: '^(\\d{1,6}(\\.\\d{1,6})?)?$', description: 'ref: step, step.item, or empty for the run' }),
    Type.String({ maxLength: 63, description: 'name of the step; empty for the run' }),
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'attempt: from 1, 0 before the first' }),
    Type.String({ pattern: '^\\d{1,19}$', description: 'fence of the lease; 0 without one' }),
    word('from: the state before; empty for the first'),
    word('to: the state after'),
    Type.String({ maxLength: 8192, description: 'reason: a code, or a code with its message' }),
    Type.String({ maxLength: 256, description: 'actor: who did it; empty where it is who asked for the run' }),
    Type.String({ maxLength: 128, description: 'pool that the attempt was taken from' }),
  ],
  items: false,
  minItems: 10,
  maxItems: 11,
});
export type RunEventTuple = readonly [
  run: string,
  sequence: number,
  ref: string,
  step: string,
  attempt: number,
  fence: string,
  from: string,
  to: string,
  reason: string,
  actor: string,
  pool?: string,
];

const RunLine = Type.Unsafe<RunLine>({
  type: 'array',
  description: 'tenant, workflow, definition, actor',
  prefixItems: [
    Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'tenant' }),
    Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'workflow' }),
    Type.String({ minLength: 1, maxLength: 128, description: 'digest of the definition that the run keeps for life' }),
    Type.String({ minLength: 1, maxLength: 256, description: 'who asked for the run' }),
  ],
  items: false,
  minItems: 4,
  maxItems: 4,
});
export type RunLine = readonly [tenant: string, workflow: string, definition: string, actor: string];

/** One call of the orchestrator's core: what was asked, and every transition that it made. The state of a shard is the fold of these. */
export const RunLogEntry = Type.Object(
  {
    n: Type.Integer({ minimum: 1, description: 'place in the log of the shard, without a gap' }),
    at: Type.String({ pattern: '^\\d{1,16}$', description: "microseconds of Redis's clock" }),
    release: Type.String({ maxLength: 128, description: 'by which the call was made' }),
    call: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: 100_000,
      description: 'verb and arguments, to be applied again',
    }),
    cut: Type.Optional(
      Type.Literal(true, { description: 'the arguments are left out, because the entry was too large' }),
    ),
    by: Type.Optional(
      Type.Unsafe<readonly [tenant: string, actor: string]>({
        type: 'array',
        description: 'tenant and actor of a call that is about no run: a pause of a tenant, a limit',
        prefixItems: [Type.String({ maxLength: 63 }), Type.String({ maxLength: 256 })],
        items: false,
        minItems: 2,
        maxItems: 2,
      }),
    ),
    runs: Type.Record(Type.String(), RunLine, { description: 'the runs of the events' }),
    events: Type.Array(RunEventTuple, { maxItems: entryEventsMax }),
  },
  closed,
);
export interface RunLogEntry {
  readonly n: number;
  readonly at: string;
  readonly release: string;
  readonly call: readonly string[];
  readonly cut?: true;
  readonly by?: readonly [tenant: string, actor: string];
  readonly runs: Readonly<Record<string, RunLine>>;
  readonly events: readonly RunEventTuple[];
}

/** One transition of a run or of one of its steps, with its names. */
export interface RunEvent {
  readonly tenant: string;
  readonly run: string;
  readonly sequence: number;
  readonly workflow: string;
  readonly definition: string;
  /** Who did it: who asked for the run, unless somebody else stepped in. */
  readonly actor: string;
  /** Number of the step in its definition, `12.5` for an item of a map, empty for the run itself. */
  readonly ref: string;
  readonly step: string;
  readonly attempt: number;
  readonly fence: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** Empty unless the step was claimed by this event. */
  readonly pool: string;
}

export interface LogEntry extends Omit<RunLogEntry, 'runs' | 'events'> {
  readonly atMs: number;
  readonly events: readonly RunEvent[];
}

/** What is wrong with a text that should be an entry of the log. */
export class LogEntryInvalid extends Error {
  override readonly name = 'LogEntryInvalid';
  readonly code = 'LOG_ENTRY_INVALID';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

let checkEntry: ValidateFunction | undefined;

/** Reads an entry, and gives its events their names. Throws `LogEntryInvalid` for whatever the topic's schema refuses. */
export function readEntry(text: string): LogEntry {
  const { runs, events, ...entry } = readRaw(text);
  const lines = new Map(Object.entries(runs));
  const named = events.map((event) => nameFields(event, lines));
  return { ...entry, atMs: Math.floor(Number(entry.at) / 1000), events: named };
}

function readRaw(text: string): RunLogEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LogEntryInvalid(`the entry is no JSON: ${excerpt(text)}`, 'look at who else writes to the topic');
  }
  checkEntry ??= new Ajv2020({ strict: false, verbose: true }).compile(RunLogEntry);
  if (checkEntry(value)) return value as RunLogEntry;
  const [problem] = describeErrors(checkEntry.errors ?? [], value);
  const where = problem?.path.join('.') ?? '';
  throw new LogEntryInvalid(
    `the entry is wrong at "${where}": ${(problem?.message ?? 'it does not fit its schema').slice(0, 200)}`,
    `${problem?.hint ?? ''}; compare the release that wrote it with this one`,
  );
}

function nameFields(tuple: RunEventTuple, lines: ReadonlyMap<string, RunLine>): RunEvent {
  const [run, sequence, ref, step, attempt, fence, from, to, reason, actor, pool = ''] = tuple;
  const line = lines.get(run);
  if (line === undefined) {
    throw new LogEntryInvalid(
      `the event ${sequence} of ${run} has no line in "runs"`,
      'every run of the events stands there',
    );
  }
  const [tenant, workflow, definition, owner] = line;
  return {
    tenant,
    run,
    sequence,
    workflow,
    definition,
    actor: actor === '' ? owner : actor,
    ref,
    step,
    attempt,
    fence,
    from,
    to,
    reason,
    pool,
  };
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
