import { messageOf, OrreryError } from '@orrery/kit/errors';

/** HTTP status by ClickHouse's number, of those refusals that are not 400. */
const statuses: Readonly<Record<number, number>> = { 202: 503, 307: 413, 497: 403, 516: 403 };

/** A refusal of this server, under ClickHouse's own name and number, for example `SYNTAX_ERROR`, 62. */
export function refuse(code: string, number: number, what: string, hint: string): OrreryError {
  const [message, status] = [`Code: ${number}. DB::Exception: ${what}: ${hint}. (${code})`, statuses[number] ?? 400];
  return new OrreryError({ code, message, hint, status, retry: status === 503 ? 'retryable' : 'terminal' });
}

/** An error as ClickHouse answers it: of this text the client makes a ClickHouseError with code and type. */
export function exceptionOf(error: unknown): { number: string; status: number; text: string } {
  const [message, status] = [messageOf(error), error instanceof OrreryError ? error.status : 500];
  const number = /^Code: (\d+)\./.exec(message)?.[1];
  if (number !== undefined) return { number, status, text: message };
  return { number: '1002', status, text: `Code: 1002. DB::Exception: ${message}. (UNKNOWN_EXCEPTION)` };
}
