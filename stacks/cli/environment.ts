import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { closest } from 'fastest-levenshtein';
import { shortDigest } from '@orrery/contracts/digest';
import { systemClock } from '@orrery/kit/clock';
import { CommandError } from '../errors.ts';
import { findAgent, requireAgent, type RunningAgent } from '../local/agent-client.ts';
import { bringUp } from '../local/deploy.ts';
import { layoutOf } from '../local/layout.ts';
import { readTail } from '../local/log-file.ts';
import { planPorts } from '../local/launch.ts';
import type { ServiceStatus } from '../local/supervisor.ts';
import { readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import { readRelease } from '../release/records.ts';
import { table } from './table.ts';
import { textOption, waitOption, type Verb } from './verb.ts';

const stopDeadlineMs = 60_000;
const linesMax = 100_000;

interface Status {
  readonly environment: string;
  readonly release: string | null;
  readonly number: number | null;
  readonly processes: readonly ServiceStatus[];
}

export const up: Verb = {
  name: 'up',
  summary: 'bring the local environment up and leave it running',
  wordsMax: 0,
  usage: '[--wait SECONDS]',
  help: `Starts what the pin of local names: redis, ClickHouse, the store and every service, each its own process on
loopback. Without a pin, a release of HEAD is made and pinned first. npx orrery down ends it.
  --wait SECONDS   wait that long while somebody else changes local`,
  options: { wait: { type: 'string' } },
  async run(context, { values }) {
    await bringUp(context, { waitMs: waitOption(values) });
    const answer = await statusOf(requireAgent(context.places));
    return { json: answer, text: describe(answer) };
  },
};

export const down: Verb = {
  name: 'down',
  summary: 'end the local environment',
  wordsMax: 0,
  usage: '',
  help: 'Lets every service finish what it answers, then ends it. State, store and pin stay.',
  async run({ places }) {
    const agent = findAgent(places);
    if (agent === undefined) return { json: { stopped: false }, text: 'the local environment does not run' };
    await agent.deployer.call({ method: 'POST', path: '/v1/stop', body: {} });
    const deadline = systemClock.now() + stopDeadlineMs;
    while (findAgent(places) !== undefined) {
      if (systemClock.now() > deadline) throw stillRuns();
      await systemClock.sleep(100);
    }
    return { json: { stopped: true }, text: 'the local environment has ended' };
  },
};

export const status: Verb = {
  name: 'status',
  summary: 'show what the local environment stands on and how its processes are',
  wordsMax: 0,
  usage: '',
  help: 'Exit code 1 when a process is not ready.',
  async run({ places }) {
    const answer = await statusOf(requireAgent(places));
    const allReady = answer.processes.every((process_) => process_.state === 'ready');
    return { json: answer, text: describe(answer), exitCode: allReady ? 0 : 1 };
  },
};

export const logs: Verb = {
  name: 'logs',
  summary: 'show the end of the logs',
  wordsMax: 32,
  usage: '[PROCESS] [--lines N]',
  help: 'Processes: deployer, redis-state, redis-cache, clickhouse and every service. Without one: the last lines of each.',
  options: { lines: { type: 'string' } },
  async run({ places }, { words, values }) {
    const layout = layoutOf(places);
    const lines = linesOf(textOption(values, 'lines') ?? (words.length > 0 ? '100' : '5'));
    const known = processNames(places);
    for (const name of words) if (!known.includes(name)) throw unknownProcess(name, known);
    const chosen = words.length > 0 ? words : known;
    const found = chosen.map((name) => ({ name, lines: readTail(join(layout.logs, `${name}.log`), lines) }));
    const text = found.map((one) => [`== ${one.name}`, ...one.lines].join('\n')).join('\n');
    return { json: found, text };
  },
};

/** Every process that local has by its pin, and every one that has left a log. */
function processNames(places: Places): string[] {
  const { logs: folder } = layoutOf(places);
  const logged = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.log')) : [];
  const pin = readPin(places, 'local');
  const pinned = pin === undefined ? {} : planPorts(readRelease(places, pin.release).release, 0);
  const own = ['deployer', 'redis-state', 'redis-cache'];
  const others = [...Object.keys(pinned), ...logged.map((name) => name.slice(0, -'.log'.length))];
  return [...new Set([...own, ...others.filter((name) => name !== 'agent').sort()])];
}

function linesOf(text: string): number {
  const lines = Number(text);
  if (Number.isInteger(lines) && lines >= 1 && lines <= linesMax) return lines;
  const hint = `a whole number from 1 to ${linesMax}, for example --lines 200`;
  throw new CommandError({ code: 'USAGE', message: `--lines is "${text}"`, hint, exitCode: 2 });
}

function unknownProcess(name: string, known: readonly string[]): CommandError {
  const hint = `did you mean ${closest(name, [...known])}? there are ${known.join(', ')}`;
  return new CommandError({ code: 'PROCESS_UNKNOWN', message: `local has no process ${name}`, hint, exitCode: 2 });
}

async function statusOf(agent: RunningAgent): Promise<Status> {
  return (await agent.deployer.call({ method: 'GET', path: '/v1/status' })).body as Status;
}

function describe(answer: Status): string {
  const rows = answer.processes.map((process_) => [
    process_.name,
    process_.state,
    String(process_.pid ?? '-'),
    String(process_.port ?? '-'),
    String(process_.restarts),
    process_.version === null ? '-' : shortDigest(process_.version),
  ]);
  const release = answer.release === null ? 'none' : shortDigest(answer.release);
  return [
    `local stands on release ${release} (number ${answer.number ?? '-'})`,
    '',
    table(['process', 'state', 'pid', 'port', 'restarts', 'version'], rows),
  ].join('\n');
}

function stillRuns(): CommandError {
  const message = `the local environment still runs after ${stopDeadlineMs / 1000} s`;
  return new CommandError({ code: 'STOP_SLOW', message, hint: 'npx orrery logs deployer tells what it waits for' });
}
