import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { closest, distance } from 'fastest-levenshtein';
import { CommandError, messageOf } from '../errors.ts';
import { defaultPortBase } from '../local/ports.ts';
import { untilUnread } from './broken-pipe.ts';
import { tellError } from './fault.ts';
import type { Verb, VerbContext } from './verb.ts';
import { verbs } from './verbs.ts';

const root = resolve(import.meta.dirname, '../..');
const sameKeyMs = 1500;
const unread = untilUnread([process.stdout, process.stderr]);

process.exitCode = await main(process.argv.slice(2));

async function main(words: readonly string[]): Promise<number> {
  const verb = findVerb(words);
  const json = words.includes('--json');
  try {
    if (verb === undefined) return answerWithoutVerb(words);
    if (words.includes('--help') || words.includes('-h')) return print(helpOf(verb), 0);
    const { values, positionals } = parse(verb, withoutVerb(verb, words));
    const result = await verb.run(contextOf(json), { words: positionals, values });
    const answer = json && result.json !== null ? JSON.stringify(result.json, null, 2) : result.text;
    return print(answer, result.exitCode ?? 0);
  } catch (error) {
    return complain(error, json);
  }
}

function contextOf(json: boolean): VerbContext {
  const state = process.env['ORRERY_STATE'];
  return {
    places: { root, state: state === undefined || state === '' ? join(root, '.orrery') : resolve(state) },
    portBase: defaultPortBase(process.env['ORRERY_PORT_BASE']),
    actor: actorName(process.env['ORRERY_ACTOR'] ?? userName()),
    json,
    now: () => new Date(),
    progress: (line) => process.stderr.write(`${line}\n`),
    input: () => process.stdin,
    untilInterrupted: interruption,
  };
}

/**
 * Resolves at the first signal, or when nobody reads any more; a second signal soon after is the same key reaching this process by
 * another way, a later one is impatience and ends it at once (what was started ends by itself then).
 */
function interruption(): Promise<void> {
  return new Promise((resolve_) => {
    let firstAtMs: number | undefined;
    const onSignal = () => {
      if (firstAtMs !== undefined && Date.now() - firstAtMs > sameKeyMs) process.exit(130);
      firstAtMs ??= Date.now();
      resolve_();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
    void unread.then(resolve_);
  });
}

function findVerb(words: readonly string[]): Verb | undefined {
  const plain = words.filter((word) => !word.startsWith('-'));
  return [2, 1]
    .map((count) => verbs.find((verb) => verb.name === plain.slice(0, count).join(' ')))
    .find((verb) => verb !== undefined);
}

function withoutVerb(verb: Verb, words: readonly string[]): string[] {
  let left = verb.name.split(' ').length;
  return words.filter((word) => word.startsWith('-') || left-- <= 0);
}

function parse(verb: Verb, words: readonly string[]): ReturnType<typeof parseArgs> {
  try {
    const options = {
      ...verb.options,
      json: { type: 'boolean' as const },
      help: { type: 'boolean' as const, short: 'h' },
    };
    const parsed = parseArgs({ args: [...words], options, allowPositionals: true });
    const surplus = parsed.positionals[verb.wordsMax];
    if (surplus !== undefined) throw new TypeError(`"${surplus}" is one word too many`);
    return parsed;
  } catch (cause) {
    const message = messageOf(cause).split(/\. To specify|\.?\n/)[0] ?? '';
    const known = ['json', 'help', ...Object.keys(verb.options ?? {})];
    const wrong = /^Unknown option '--?([^' ]+)/.exec(message)?.[1];
    const nearest = wrong === undefined ? '' : `did you mean --${closest(wrong, known)}? `;
    throw new CommandError({
      code: 'USAGE',
      message,
      hint: `${nearest}npx orrery ${verb.name} --help`,
      exitCode: 2,
      cause,
    });
  }
}

function answerWithoutVerb(words: readonly string[]): number {
  const asked = words.filter((word) => !word.startsWith('-')).slice(0, 2);
  const helps = words.length === 0 || words.includes('--help') || words.includes('-h');
  if (asked.length === 0 && (helps || !words.includes('--json'))) return print(helpOfAll(), helps ? 0 : 2);
  const group = verbs.filter((verb) => verb.name.startsWith(`${asked[0] ?? ''} `));
  const [name, choices] =
    group.length > 0
      ? [asked.join(' '), group.map((verb) => verb.name)]
      : [asked[0] ?? '', verbs.map((verb) => verb.name)];
  const hint = `did you mean "npx orrery ${nearestVerb(asked, choices)}"? npx orrery --help lists all`;
  const message = asked.length === 0 ? 'a verb is missing' : `there is no "orrery ${name}"`;
  throw new CommandError({
    code: 'USAGE',
    message,
    hint: asked.length === 0 ? 'npx orrery --help' : hint,
    exitCode: 2,
  });
}

/** The verb nearest to what was typed, each compared with as many words as it has. */
function nearestVerb(asked: readonly string[], names: readonly string[]): string {
  const far = (name: string) => distance(name, asked.slice(0, name.split(' ').length).join(' '));
  return [...names].sort((left, right) => far(left) - far(right))[0] ?? 'start';
}

function helpOfAll(): string {
  const width = Math.max(...verbs.map((verb) => verb.name.length));
  const lines = verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`);
  return [
    'orrery: run, release, pin and roll back the platform.',
    '',
    'Usage: npx orrery <verb> [--json] [--help]',
    '',
    ...lines,
    '',
    'Exit codes: 0 ok, 1 failed, 2 usage, 3 unsafe. State lies in .orrery (ORRERY_STATE), ports begin at 7400 (ORRERY_PORT_BASE).',
  ].join('\n');
}

function helpOf(verb: Verb): string {
  const options = Object.keys(verb.options ?? {}).map((name) => `--${name}`);
  const flags = [...options, '--json', '--help'].join(' ');
  return [
    `Usage: npx orrery ${verb.name} ${verb.usage}`.trim(),
    '',
    verb.summary,
    '',
    verb.help,
    '',
    `Options: ${flags}`,
  ].join('\n');
}

function print(text: string, code: number): number {
  if (text !== '') process.stdout.write(`${text}\n`);
  return code;
}

function complain(error: unknown, json: boolean): number {
  const { code, message, hint, exitCode, stack } = tellError(error, root);
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, hint } }, null, 2)}\n`);
  if (stack !== undefined) process.stderr.write(`orrery: ${hint}\n${stack}\n`);
  else if (!json) process.stderr.write(`orrery: ${message}\n  ${hint}\n`);
  return exitCode;
}

/** A user without an entry in the system's list, as in a container, has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'local';
  }
}

function actorName(user: string): string {
  const name = user.toLowerCase().replace(/[^a-z0-9-]/g, '-');
  return /^[a-z]/.test(name) ? name.slice(0, 63) : 'local';
}
