import type { Handler } from './attempt.ts';
import { WorkerError } from './step-error.ts';

export interface WorkerOptions {
  /** Of the orchestrator, for example `http://127.0.0.1:7410`. */
  readonly url: string;
  readonly token: string;
  /** Whose steps; `*` for every tenant's. Default `main`. */
  readonly tenant?: string;
  /** The line of steps to take from. Default `default`. */
  readonly pool?: string;
  /** The version of this worker's code: runs pinned to it come here. 1 to 63 letters, digits, dots, hyphens, underscores. */
  readonly build: string;
  /** Steps at the same time, 1 to 10,000. Default 10. */
  readonly slots?: number;
  /** What a step's `with.handler` names. */
  readonly handlers: Readonly<Record<string, Handler>>;
  /** How long a drain lets handlers go on. Default 25,000 ms. */
  readonly drainMs?: number;
  /** On these the worker drains. Default SIGTERM and SIGINT. */
  readonly signals?: readonly NodeJS.Signals[];
  /** Default: a line of JSON on stderr. */
  readonly log?: (message: string, fields: object) => void;
}

export type Settings = Required<WorkerOptions>;

const slotsMax = 10_000;
const namePattern = /^[a-z][a-z0-9-]{0,62}$/;
const buildPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const nameHint = 'lower-case letters, digits and hyphens, starting with a letter; at most 63';

/** The options with their defaults. Throws a WorkerError that tells the first that is wrong. */
export function settingsOf(options: WorkerOptions): Settings {
  const settings: Settings = {
    tenant: 'main',
    pool: 'default',
    slots: 10,
    drainMs: 25_000,
    signals: ['SIGTERM', 'SIGINT'],
    log: (message, fields) => process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`),
    ...options,
  };
  const { slots, handlers, pool, build, url } = settings;
  const names = Object.keys(handlers);
  if (!Number.isInteger(slots) || slots < 1 || slots > slotsMax) {
    throw new WorkerError('SLOTS_INVALID', `slots is ${slots}`, `a whole number from 1 to ${slotsMax}`);
  }
  if (names.length === 0) {
    throw new WorkerError('HANDLERS_MISSING', 'there is no handler', 'name at least one: handlers: { greet: … }');
  }
  const wrong = [pool, ...names].find((name) => !namePattern.test(name));
  if (wrong !== undefined) throw new WorkerError('NAME_INVALID', `"${wrong}" is no name`, nameHint);
  if (!buildPattern.test(build)) {
    const hint = 'letters, digits, dots, hyphens and underscores; at most 63: a commit or a digest without its prefix';
    throw new WorkerError('BUILD_INVALID', `build is "${build}"`, hint);
  }
  if (!URL.canParse(url)) {
    throw new WorkerError('URL_INVALID', `url is "${url}"`, 'the orchestrator, for example http://127.0.0.1:7410');
  }
  return settings;
}
