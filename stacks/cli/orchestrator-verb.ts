import type { Peer, PeerCall } from '@orrery/kit/peer';
import { CommandError } from '../errors.ts';
import { requireService } from '../local/services.ts';
import { textOption, type Values, type Verb, type VerbContext, type VerbInput, type VerbResult } from './verb.ts';

/** The orchestrator as one person of one tenant calls it. */
export interface Caller {
  readonly call: <T>(method: PeerCall['method'], path: string, body?: unknown) => Promise<T>;
  readonly peer: Peer;
  readonly who: { readonly tenant: string; readonly actor: string };
}

/** A verb that asks the orchestrator; `act` is the verb without the way to it. */
export interface OrchestratorVerb extends Verb {
  readonly act: (peer: Peer, context: VerbContext, input: VerbInput) => Promise<VerbResult>;
}

type Act = (caller: Caller, input: VerbInput, context: VerbContext) => Promise<VerbResult>;

/** Every one of them has `--tenant`. */
export function orchestratorVerb(verb: Omit<Verb, 'run'> & { readonly answer: Act }): OrchestratorVerb {
  const { answer, ...rest } = verb;
  const act: OrchestratorVerb['act'] = (peer, context, input) => {
    const who = { actor: context.actor, tenant: textOption(input.values, 'tenant') ?? 'main' };
    const call = async <T>(method: PeerCall['method'], path: string, body?: unknown): Promise<T> => {
      const asked = { method, path, ...who, ...(body === undefined ? {} : { body }) };
      return (await peer.call(asked)).body as T;
    };
    return answer({ call, peer, who }, input, context);
  };
  return {
    ...rest,
    usage: `${rest.usage} [--tenant NAME]`.trim(),
    options: { ...rest.options, tenant: { type: 'string' } },
    act,
    run: async (context, input) => act(requireService(context.places, 'orchestrator'), context, input),
  };
}

export function runPath(run: string, rest = ''): string {
  return `/v1/runs/${encodeURIComponent(run)}${rest}`;
}

export function usageError(message: string, hint: string): CommandError {
  return new CommandError({ code: 'USAGE', message, hint, exitCode: 2 });
}

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `2h`, `7d` in milliseconds; undefined when the option is not given. */
export function spanOption(values: Values, name: string): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const [, count = '', unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const unitMs = units[unit];
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw usageError(`--${name} is "${text}"`, `a number with s, m, h or d, for example --${name} 2h`);
}

export function numberOption(
  values: Values,
  name: string,
  bounds: readonly [least: number, most: number],
): number | undefined {
  const text = textOption(values, name);
  if (text === undefined) return undefined;
  const [least, most] = bounds;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw usageError(`--${name} is "${text}"`, `a whole number from ${least} to ${most}, for example --${name} ${least}`);
}

/** What is said, and nothing of what is not. */
export function given<T extends Readonly<Record<string, unknown>>>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}

type Given<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

export function timeText(ms: number | null | undefined): string {
  return typeof ms === 'number' ? `${new Date(ms).toISOString().slice(0, 19)}Z` : '-';
}

export function spanText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  return seconds < 6000 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
