import type { ParseArgsConfig } from 'node:util';
import { CommandError } from '../errors.ts';
import type { Places } from '../release/places.ts';

export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

export interface VerbInput {
  readonly words: readonly string[];
  readonly values: Values;
}

/** What a verb may touch of the world. */
export interface VerbContext {
  readonly places: Places;
  readonly portBase: number | undefined;
  readonly actor: string;
  readonly json: boolean;
  readonly now: () => Date;
  /** Tells how long work goes on; never part of the answer. */
  readonly progress: (line: string) => void;
  /** What is piped into the command. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** From this call on Ctrl-C and SIGTERM no longer end the process: they resolve the promise. */
  readonly untilInterrupted: () => Promise<void>;
}

export interface VerbResult {
  /** The answer for programs: printed alone under --json. */
  readonly json: unknown;
  /** The same for people. */
  readonly text: string;
  /** Default 0. */
  readonly exitCode?: 0 | 1 | 3;
}

export interface Verb {
  /** One or two words, for example `release create`. */
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** The arguments after the name. */
  readonly usage: string;
  /** How many words may follow the name. */
  readonly wordsMax: number;
  /** What a person should know before using it, with an example. */
  readonly help: string;
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  readonly run: (context: VerbContext, input: VerbInput) => Promise<VerbResult>;
}

export function textOption(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

const waitMaxSeconds = 86_400;

/** `--wait SECONDS` in milliseconds: how long to wait while somebody else changes the environment. Default 0. */
export function waitOption(values: Values): number {
  const text = textOption(values, 'wait') ?? '0';
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= waitMaxSeconds) return seconds * 1000;
  const hint = `seconds from 0 to ${waitMaxSeconds}, for example --wait 300`;
  throw new CommandError({ code: 'USAGE', message: `--wait is "${text}"`, hint, exitCode: 2 });
}
