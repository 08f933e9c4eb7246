import { ClickHouseError } from '@clickhouse/client';
import { clickHouseError, type ClickHouse } from '@orrery/kit/clickhouse';
import type { Clock } from '@orrery/kit/clock';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { ClassedError, classify } from '../work/error-class.ts';
import type { Breaker } from './breakers.ts';
import { readStepStatement, type StepStatement } from './sql-statement.ts';
import type { Given, StepContext, StepExecutor, StepTask } from './types.ts';

/** What a statement leaves. */
export interface SqlResult {
  /** By the names of the columns. Integers that JavaScript can't hold are texts. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** Read, or inserted. */
  readonly rowsCount: number;
  readonly readRows: number;
  readonly seconds: number;
}

export interface SqlExecutorOptions {
  readonly clickhouse: ClickHouse;
  /** Of errors that `isClickHouseAway` tells. */
  readonly breaker: Breaker;
  /** Ends a query by its id, the parameter `id`. */
  readonly killStatement: string;
  readonly clock: Clock;
  readonly log: Log;
}

type SqlTask = StepTask<Given<'sql'>>;

const rowsMaxDefault = 1000;
/** Codes of ClickHouse: more rows than the setting allows. */
const tooManyRows = '396';
const wideInteger = /^(?:Nullable\()?U?Int64\)?$/;
/** How much longer the answer is waited for than the statement may take. */
const answerMs = 5000;

/** Runs a statement in ClickHouse under the name of its attempt, so that an attempt that is ended ends its query too. */
export function createSqlExecutor(options: SqlExecutorOptions): StepExecutor<Given<'sql'>> {
  return {
    async execute(task, context) {
      const statement = readStepStatement(task.given.statement);
      const call = callOf(task, statement, context);
      const kill = () => void endQuery(call.query_id, options);
      context.signal.addEventListener('abort', kill, { once: true });
      const startedAtMs = options.clock.now();
      try {
        const found = await options.breaker.call(() => run(statement, call, { options, signal: context.signal }));
        return { ...found, seconds: (options.clock.now() - startedAtMs) / 1000 } satisfies SqlResult;
      } catch (error) {
        context.signal.throwIfAborted();
        throw told(error, task);
      } finally {
        context.signal.removeEventListener('abort', kill);
      }
    },
  };
}

/** ClickHouse itself does not answer. */
export function isClickHouseAway(error: unknown): boolean {
  return error instanceof OrreryError && error.code === 'CLICKHOUSE_UNREACHABLE';
}

function callOf(task: SqlTask, { kind }: StepStatement, { signal }: StepContext) {
  const { run, ref, fence, timeoutMs, given } = task;
  const reading = { max_result_rows: String(given.rowsMax ?? rowsMaxDefault), result_overflow_mode: 'throw' as const };
  return {
    query_params: { ...given.parameters },
    // The service that stands for a server knows no dots here.
    query_id: `${run}-${ref}-${fence}`,
    abort_signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + answerMs)]),
    clickhouse_settings: {
      max_execution_time: Math.max(1, Math.ceil(timeoutMs / 1000)),
      wait_end_of_query: 1 as const,
      ...(kind === 'read'
        ? {
            ...reading,
            output_format_json_quote_64bit_integers: 1 as const,
            cancel_http_readonly_queries_on_client_close: 1 as const,
          }
        : { insert_deduplication_token: `${run}/${ref}` }),
    },
  };
}

async function run(
  { kind, text }: StepStatement,
  call: ReturnType<typeof callOf>,
  { options, signal }: { readonly options: SqlExecutorOptions; readonly signal: AbortSignal },
): Promise<Omit<SqlResult, 'seconds'>> {
  try {
    return kind === 'read' ? await read(text, call, options) : await insert(text, call, options);
  } catch (error) {
    signal.throwIfAborted();
    throw clickHouseError(error, 'the statement');
  }
}

async function read(text: string, call: ReturnType<typeof callOf>, { clickhouse }: SqlExecutorOptions) {
  const answer = await clickhouse.query({ query: text, format: 'JSON', ...call });
  const { meta = [], data, statistics } = await answer.json<Record<string, unknown>>();
  const wide = meta.filter(({ type }) => wideInteger.test(type)).map(({ name }) => name);
  for (const row of data) for (const name of wide) row[name] = integerOf(row[name]);
  return { rows: data, rowsCount: data.length, readRows: statistics?.rows_read ?? 0 };
}

async function insert(text: string, call: ReturnType<typeof callOf>, { clickhouse }: SqlExecutorOptions) {
  const { summary } = await clickhouse.command({ query: text, ...call });
  return { rows: [], rowsCount: Number(summary?.written_rows ?? 0), readRows: Number(summary?.read_rows ?? 0) };
}

function integerOf(value: unknown): unknown {
  return typeof value === 'string' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** A server goes on with a query whose client has left. Where it has ended, or can't be ended so, there is nothing more to do. */
async function endQuery(id: string, { clickhouse, killStatement, log }: SqlExecutorOptions): Promise<void> {
  try {
    await clickhouse.command({ query: killStatement, query_params: { id } });
  } catch (error) {
    log.debug({ query: id, reason: messageOf(error) }, 'a query was not ended by its id');
  }
}

/** What ClickHouse says, with its code and the position that it names, and what the step can do about it. */
function told(error: unknown, task: SqlTask): unknown {
  if (!(error instanceof OrreryError) || error.code === 'CIRCUIT_OPEN') return error;
  const { code, message, retry, status, cause } = error;
  const rowsMax = task.given.rowsMax ?? rowsMaxDefault;
  if (cause instanceof ClickHouseError && cause.code === tooManyRows) {
    return new ClassedError('resources', {
      code: 'ROWS_EXCEEDED',
      message: `the statement gives more than ${rowsMax} rows`,
      hint: 'raise rowsMax, add a LIMIT, or insert the rows into a table by INSERT … SELECT',
      cause: error,
    });
  }
  const type = cause instanceof ClickHouseError && cause.type !== undefined ? `${cause.type}: ` : '';
  const { class: errorClass } = classify(error);
  const refused = errorClass === 'inputs';
  const hint = refused ? 'correct the statement or its parameters; names and types stand in {name:Type}' : error.hint;
  return new ClassedError(errorClass, { code, message: `${type}${message}`, hint, retry, status, cause: error });
}
