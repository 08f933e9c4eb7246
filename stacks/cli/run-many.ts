import { createReadStream } from 'node:fs';
import { OrreryError } from '@orrery/kit/errors';
import { given, numberOption, usageError, type Caller } from './orchestrator-verb.ts';
import { readBytes, readOrderLines, type Declared, type OrderLine } from './order-lines.ts';
import { textOption, type Values, type VerbContext, type VerbResult } from './verb.ts';

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retry: string;
}

/** What became of an order: a run, or why there is none. */
type Became = { readonly run: string; readonly state: string; readonly fresh: boolean } | { readonly error: Refusal };
type Outcome = { readonly line: number } & Became;

/** Of one request: well below what the orchestrator takes, so that each is answered soon. */
const ordersMax = 500;
const bytesMax = 4 * 1024 * 1024;
/** What an order has beside its parameters. */
const orderBytes = 300;

const tellEveryMs = 1000;
const reasonsMax = 3;
const linesShownMax = 3;

/** Starts a run for each line of a file. Nothing is sent before all lines are found sound. */
export async function runMany(
  caller: Caller,
  workflow: string,
  values: Values,
  context: VerbContext,
): Promise<VerbResult> {
  const { call } = caller;
  const [priority, key] = [numberOption(values, 'priority', [0, 9]), prefixOf(values)];
  const path = `/v1/workflows/${encodeURIComponent(workflow)}`;
  const { definition } = await call<{ definition: { parameters?: Declared } }>('GET', path);
  const lines = await readLines(values, context, definition.parameters ?? {});
  const orderOf = ({ line, parameters }: OrderLine) => ({
    ...{ parameters, ...given({ priority }) },
    ...(key === undefined ? {} : { idempotencyKey: `${key}-${line}` }),
  });
  const send = async (some: readonly OrderLine[]) => {
    const body = { orders: some.map(orderOf) };
    const { outcomes } = await call<{ outcomes: Became[] }>('POST', `${path}/runs/batch`, body);
    return outcomes.map((became, index) => ({ line: some[index]?.line ?? 0, ...became }));
  };
  const outcomes = await sendAll(lines, send, context);
  const exitCode = outcomes.some((outcome) => 'error' in outcome) ? 1 : 0;
  if (context.json) return { json: null, text: outcomes.map((each) => JSON.stringify(each)).join('\n'), exitCode };
  return { json: null, text: summarise(outcomes, key), exitCode };
}

function prefixOf(values: Values): string | undefined {
  const key = textOption(values, 'key');
  if (key === undefined || /^[\x21-\x7e]{1,190}$/.test(key)) return key;
  throw usageError(`--key is "${key}"`, 'with --many 1 to 190 characters without spaces, for example --key june-2001');
}

async function readLines(values: Values, context: VerbContext, declared: Declared): Promise<OrderLine[]> {
  if (values['set'] !== undefined) throw usageError('--many and --set', 'each line has all parameters of its run');
  const name = textOption(values, 'many') ?? '-';
  const [file, input] = name === '-' ? ['<stdin>', context.input()] : [name, createReadStream(name)];
  return readOrderLines(await readBytes(input, file), file, declared);
}

/**
 * One request after the other. When one of them fails as a whole, those after it are not sent: its own lines have its error, theirs say so. The
 * first one's failure is thrown.
 */
async function sendAll(
  lines: readonly OrderLine[],
  send: (some: readonly OrderLine[]) => Promise<Outcome[]>,
  { progress, now }: VerbContext,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let toldMs = now().getTime();
  while (outcomes.length < lines.length) {
    const some = nextBatch(lines, outcomes.length);
    try {
      outcomes.push(...(await send(some)));
    } catch (error) {
      if (outcomes.length === 0 || !(error instanceof OrreryError)) throw error;
      const rest = lines.slice(outcomes.length + some.length);
      outcomes.push(...some.map(({ line }) => ({ line, error: refusalOf(error) })));
      outcomes.push(...rest.map(({ line }) => ({ line, error: notSent })));
    }
    if (now().getTime() - toldMs < tellEveryMs) continue;
    toldMs = now().getTime();
    progress(`${count(outcomes.length)} of ${count(lines.length)} lines handed in`);
  }
  return outcomes;
}

const notSent: Refusal = {
  code: 'NOT_SENT',
  message: 'a request before it failed',
  hint: 'hand these lines in again',
  retry: 'retryable',
};

function refusalOf({ code, message, hint, retry }: OrreryError): Refusal {
  return { code, message, hint, retry };
}

function nextBatch(lines: readonly OrderLine[], from: number): readonly OrderLine[] {
  let bytes = 0;
  let end = from;
  for (const line of lines.slice(from, from + ordersMax)) {
    bytes += line.bytes + orderBytes;
    if (end > from && bytes > bytesMax) break;
    end += 1;
  }
  return lines.slice(from, end);
}

function summarise(outcomes: readonly Outcome[], key: string | undefined): string {
  const refused = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome] : []));
  const taken = outcomes.filter((outcome) => 'run' in outcome && outcome.fresh).length;
  const known = outcomes.length - refused.length - taken;
  const [all, ...parts] = [outcomes.length, taken, known, refused.length].map(count);
  const text = `${all ?? ''} lines: ${parts[0] ?? ''} runs taken in, ${parts[1] ?? ''} known already, ${parts[2] ?? ''} refused`;
  if (refused.length === 0) return text;
  const reasons = [...Map.groupBy(refused, ({ error }) => error.code).values()].map(tellReason);
  const more = reasons.length - reasonsMax;
  const again =
    key === undefined
      ? 'hand in the refused lines alone: without --key every other line would start its run again'
      : `hand the file in again with --key ${key}: what was taken in is known, and starts no second time`;
  return [text, ...reasons.slice(0, reasonsMax), ...(more > 0 ? [`  and ${more} more reasons`] : []), again].join('\n');
}

/** All lines that were refused by one code; the words are those of the first. */
function tellReason(refused: readonly { readonly line: number; readonly error: Refusal }[]): string {
  const shown = refused.slice(0, linesShownMax).map(({ line }) => String(line));
  const more = refused.length - shown.length;
  const places = `${refused.length === 1 ? 'line' : 'lines'} ${shown.join(', ')}${more > 0 ? ` and ${count(more)} more` : ''}`;
  const { code = '', message = '', hint = '' } = refused[0]?.error ?? {};
  return `  ${places}: ${code} ${message}\n    ${hint}`;
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
