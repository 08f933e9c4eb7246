import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { Session, type RawInsertFormat } from 'chdb';
import { OrreryError } from '@orrery/kit/errors';
import type { Settings } from './config.ts';
import { refuse } from './errors.ts';
import { createSessionPool } from './session-pool.ts';
import { outwardOf, type Statement } from './statement.ts';

/** `values`: settings, and parameters by `param_` and their name. */
export type Query = Readonly<{ statement: Statement; database: string; format: string; values: Map<string, string> }>;
/** The bytes of an answer, then figures of the work. */
export type Output = AsyncGenerator<Uint8Array, Record<string, string>>;
export type Engine = Awaited<ReturnType<typeof openEngine>>;

/** The formats whose bytes the engine takes as they are; the others pass as text. */
const rawFormats = /^(JSONEachRow|JSONCompactEachRow|(CSV|TSV|TabSeparated)(WithNames)?)$/;
const plainInsert = /^\s*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.]+)\s*(?:\(([\w\s.,]+)\)\s*)?FORMAT\s+\w+$/i;
/** The formats without head or tail. The engine writes each chunk of a stream as a document of its own, so others go whole. */
const chunkedFormats = /^(JSON(Compact|Strings)?EachRow|TSV|TabSeparated(Raw)?|CSV|RowBinary|Native)$/;
const killEveryMs = 250;
const closeMs = 3000;

/** Throws `CLICKHOUSE_FOLDER_UNUSABLE` when another process holds the folder or the engine can't read it. */
export async function openEngine(folder: string, settings: Settings) {
  const keeper = openKeeper(folder, settings.memoryMiB);
  const names = async (sql: string) => (await keeper.queryAsync(sql, { format: 'TSV' })).text().split('\n');
  // The engine's own `default` shows every file of the machine as a table.
  const [owner] = await names("SELECT engine FROM system.databases WHERE name = 'default'");
  if (owner !== 'Atomic') await keeper.queryAsync('DROP DATABASE default; CREATE DATABASE default ENGINE = Atomic');
  await keeper.queryAsync('CREATE DATABASE IF NOT EXISTS orrery ENGINE = Atomic');
  const engines = 'SELECT name FROM system.table_engines UNION ALL SELECT name FROM system.database_engines';
  const outward = outwardOf(await names('SELECT name FROM system.table_functions'), await names(engines));
  const pool = createSessionPool(folder, settings);
  /** A read whose signal aborts is killed; a write is finished: a retry with its token meets all of it or nothing. */
  async function* execute(query: Query, signal: AbortSignal): Output {
    const id = randomUUID();
    const { set, undo } = planSettings(query, settings, id);
    const kill = `KILL QUERY WHERE Settings['log_comment'] = '${id}' ASYNC`;
    let [clean, killing] = [false, undefined as NodeJS.Timeout | undefined];
    // A kill that fails is tried again, and the query has its own deadline.
    const abandon = () => (killing = setInterval(() => void keeper.queryAsync(kill).catch(() => null), killEveryMs));
    const session = await pool.take(signal);
    try {
      await session.queryAsync(set);
      clean = true;
      signal.throwIfAborted();
      if (query.statement.reads) signal.addEventListener('abort', abandon, { once: true });
      return yield* run(session, query, signal);
    } finally {
      signal.removeEventListener('abort', abandon);
      clearInterval(killing);
      if (clean) await session.queryAsync(undo).catch(() => (clean = false));
      pool.give(session, clean);
    }
  }
  /** Kills what still runs, then lets go of the folder: a process that exits during a query hangs. */
  const close = async (): Promise<void> => {
    await keeper.queryAsync("KILL QUERY WHERE query NOT LIKE 'KILL QUERY%' ASYNC");
    for (let count = 0; count < settings.sessions; count += 1) (await pool.take(AbortSignal.timeout(closeMs))).close();
    keeper.close();
  };
  return { outward, settings, execute, close };
}

function planSettings({ statement, values, database }: Query, settings: Settings, id: string) {
  const missing = [...statement.placeholders].find((name) => !values.has(`param_${name}`)) ?? '';
  if (missing !== '') throw refuse('UNKNOWN_QUERY_PARAMETER', 456, `Substitution \`${missing}\` is not set`, 'send it');
  const bounds = { max_memory_usage: settings.memoryMiB * 2 ** 20, max_execution_time: settings.queryTimeoutSeconds };
  const all = Object.entries({ ...bounds, ...Object.fromEntries(values), log_comment: id });
  const set = all.map(([name, value]) => `${name} = '${String(value).replace(/[\\']/g, '\\$&')}'`).join(', ');
  const undo = all.filter(([name]) => !name.startsWith('param_')).map(([name]) => `${name} = DEFAULT`);
  return { set: `SET ${set}; USE \`${database.replace(/[\\`]/g, '\\$&')}\``, undo: `SET ${undo.join(', ')}` };
}

async function* run(session: Session, { format, statement }: Query, signal: AbortSignal): Output {
  const { kind, text, data: values } = statement;
  if (kind === 'rows' && chunkedFormats.test(statement.format === '' ? format : statement.format)) {
    for await (const chunk of session.queryStream(text, { format, signal })) yield chunk.raw();
    return {};
  }
  const [, table, columns] = plainInsert.exec(text) ?? [];
  if (kind === 'insert' && table !== undefined && rawFormats.test(statement.format)) {
    const named = columns === undefined ? {} : { columns: columns.split(',').map((name) => name.trim()) };
    const written = await session.insert({ table, ...named, values, format: statement.format as RawInsertFormat });
    return { written_rows: String(written.rowsWritten), written_bytes: String(written.bytesWritten) };
  }
  if (!isUtf8(values)) throw refuse('NOT_IMPLEMENTED', 48, `${statement.format} data is not UTF-8`, 'use TabSeparated');
  const answer = await session.queryAsync(values.length === 0 ? text : `${text}\n${values.toString()}`, { format });
  if (answer.bytes().length > 0) yield answer.bytes();
  return { read_rows: String(answer.rowsRead), read_bytes: String(answer.bytesRead) };
}

function openKeeper(folder: string, memoryMiB: number): Session {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    return new Session(folder, { connectionArgs: [`--max_server_memory_usage=${memoryMiB * 2 ** 20}`] });
  } catch (cause) {
    const message = `the data folder ${folder} can't be opened: another process holds it, or its files are damaged`;
    const hint = "end that process, or name another dataFolder; the engine's own reason stands above";
    throw new OrreryError({ code: 'CLICKHOUSE_FOLDER_UNUSABLE', message, hint, cause });
  }
}
