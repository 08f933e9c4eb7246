import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { Identity } from '@orrery/kit/http';
import type { Log } from '@orrery/kit/log';
import type { Engine } from './engine.ts';
import { exceptionOf, refuse } from './errors.ts';
import { outwardWords, readStatement } from './statement.ts';

type Exchange = Readonly<{ request: IncomingMessage; response: ServerResponse; search: URLSearchParams }>;

/** With wait_end_of_query an answer is held up to here, so that a failure within has a status; beyond, it streams. */
const heldBytesMax = 32 * 1024 * 1024;
const headerBytesMax = 1024 * 1024;
const connectionsMax = 512;
/** How much longer than its query a begun answer may stand still, before its connection is given up. */
const stallGraceMs = 5000;
/** Keys of the URL that are neither settings nor parameters. */
const requestKeys = new Set(['query', 'database', 'default_format', 'query_id', 'wait_end_of_query']);

/** While it does not listen any more, every answer ends its connection. */
export function createClickHouseServer(engine: Engine, identity: Identity, token: string, log: Log): Server {
  const answer = async (exchange: Exchange): Promise<void> => {
    try {
      checkKey(exchange.request, token);
      await answerQuery(engine, exchange);
    } catch (error) {
      const { number, status, text } = exceptionOf(error);
      log.warn({ code: number, query: exchange.search.get('query_id') }, text.slice(0, 500));
      // After the first bytes only a broken connection tells the client that it has not got all.
      if (exchange.response.headersSent) exchange.response.destroy();
      else exchange.response.writeHead(status, { 'x-clickhouse-exception-code': number }).end(`${text}\n`);
    }
  };
  const server = createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
    const [pathname, ...rest] = (request.url ?? '/').split('?');
    const ready = server.listening;
    if (!ready) response.setHeader('connection', 'close');
    if (pathname === '/ping') response.end('Ok.\n');
    else if (pathname === '/healthz') response.end(JSON.stringify({ status: 'ok', ...identity }));
    else if (pathname !== '/readyz') void answer({ request, response, search: new URLSearchParams(rest.join('?')) });
    else response.writeHead(ready ? 200 : 503).end(JSON.stringify({ ready, missing: ready ? [] : ['draining'] }));
  });
  server.maxConnections = connectionsMax;
  return server;
}

async function answerQuery(engine: Engine, { request, response, search }: Exchange): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const source = await readSource(request, search.get('query'), engine.settings.insertBytesMax);
  const statement = readStatement(source, engine.outward);
  if (request.method !== 'POST' && !statement.reads) throw refuse('READONLY', 164, 'a GET may only read', 'use POST');
  const values = new Map([...search].filter(([key]) => !requestKeys.has(key)));
  const wrong = [...values.keys()].find((key) => !/^\w+$/.test(key) || outwardWords.has(key));
  if (wrong !== undefined) throw refuse('BAD_ARGUMENTS', 36, `"${wrong}" can't be set by the URL`, 'leave it out');
  const [database, format] = [search.get('database') ?? 'default', search.get('default_format') ?? 'TabSeparated'];
  await using output = engine.execute({ statement, database, format, values }, gone.signal);
  const holdBytes = statement.kind !== 'rows' || search.get('wait_end_of_query') === '1' ? heldBytesMax : 0;
  const held: Uint8Array[] = [];
  let item = await output.next();
  for (let bytes = 0; item.done !== true && bytes < holdBytes; item = await output.next()) {
    held.push(item.value);
    bytes += item.value.length;
  }
  const gzip = search.get('enable_http_compression') === '1' && request.headers['accept-encoding']?.includes('gzip');
  response.writeHead(200, {
    'x-clickhouse-query-id': encodeURIComponent(search.get('query_id') ?? randomUUID()),
    ...(item.done === true ? { 'x-clickhouse-summary': JSON.stringify(item.value) } : {}),
    ...(gzip === true ? { 'content-encoding': 'gzip' } : {}),
  });
  const timeoutSeconds = Number(search.get('max_execution_time')) || engine.settings.queryTimeoutSeconds;
  response.setTimeout(timeoutSeconds * 1000 + stallGraceMs, () => response.destroy());
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield* held;
    if (item.done !== true) yield item.value;
    yield* output;
  };
  await (gzip === true ? pipeline(body, createGzip({ level: 1 }), response) : pipeline(body, response));
}

/** The text of the query, then the body, which is read to its end even when too large: else the client never sees why. */
async function readSource(request: IncomingMessage, query: string | null, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = query === null ? [] : [Buffer.from(`${query}\n`)];
  let bytes = 0;
  const collect = async (source: AsyncIterable<Uint8Array>) => {
    for await (const chunk of source) if ((bytes += chunk.length) <= bytesMax) parts.push(chunk);
  };
  const coding = request.headers['content-encoding'];
  if (coding === undefined) await pipeline(request, collect);
  else if (coding === 'gzip') await pipeline(request, createGunzip(), collect);
  else throw refuse('NOT_IMPLEMENTED', 48, `Content-Encoding ${coding} is outside the subset`, 'use gzip or none');
  if (bytes <= bytesMax) return Buffer.concat(parts);
  throw refuse('TOO_MANY_BYTES', 307, `the body has ${bytes} bytes, more than ${bytesMax}`, 'insert smaller batches');
}

function checkKey({ headers }: IncomingMessage, token: string): void {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  const plain = `${String(headers['x-clickhouse-user'] ?? 'default')}:${String(headers['x-clickhouse-key'])}`;
  const given = basic === undefined ? plain : Buffer.from(basic, 'base64').toString();
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(given), digest(`default:${token}`))) return;
  const hint = 'send the token as X-ClickHouse-Key or as the Basic password of the user default';
  throw refuse('AUTHENTICATION_FAILED', 516, 'the key is missing or wrong', hint);
}
