import { parseArgs } from 'node:util';
import type { EngineName } from './engines/types.ts';
import type { Fsync } from './redis.ts';
import { kinds, type Kind } from './workloads.ts';

export interface Options {
  readonly only: readonly Kind[];
  readonly engines: readonly EngineName[];
  /** In place of each workload's own number. */
  readonly rounds: number | undefined;
  readonly size: 'full' | 'quick';
  readonly fsync: Fsync;
  readonly workers: number;
  readonly slots: number;
  readonly history: boolean;
  readonly peerOutbox: boolean;
  readonly profiles: string | undefined;
  readonly json: boolean;
  readonly help: boolean;
}

export const helpText = `npm run bench:orchestrator -- [options]

Measures the orchestrator beside what people use today: the same work, in the same run, in turn. Machines are shared and noisy:
CPU per unit carries over from one machine to another, wall time does not.

  --only a,b        of ${kinds.join(', ')} (default: all)
  --peers a,b       of bullmq, restate, or none (default: bullmq)
  --no-ours         the peers only
  --rounds n        in turn; the median is shown (default: 3, of the long workloads 1)
  --quick           small sizes, one round: to see that all of it works
  --fsync word      everysec, or always: what Redis is told of durability (default: everysec)
  --workers n       worker processes (default: 1)
  --slots n         steps at the same time over all of them (default: 100)
  --history         ours writes its events to ClickHouse as well, not only to the bus
  --no-peer-outbox  BullMQ without what ours does: a process that publishes each of its events on another stream
  --profile folder  each process of ours leaves a CPU profile there
  --json            everything that was measured, as one JSON text
  --help

Temporal, DBOS and Prefect need servers that npm does not install: they are not measured here.
The exit code is 1 when ours broke a guarantee; goals that are not met do not count, because the machine has a say in them.
`;

const notInstalled = ['temporal', 'dbos', 'prefect'];

/** Throws, with what can be said instead, at whatever it does not know. */
export function parseOptions(words: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    allowNegative: true,
    options: {
      only: { type: 'string', default: kinds.join(',') },
      peers: { type: 'string', default: 'bullmq' },
      ours: { type: 'boolean', default: true },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      fsync: { type: 'string', default: 'everysec' },
      workers: { type: 'string', default: '1' },
      slots: { type: 'string', default: '100' },
      history: { type: 'boolean', default: false },
      'peer-outbox': { type: 'boolean', default: true },
      profile: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const fsync = values.fsync;
  if (fsync !== 'everysec' && fsync !== 'always') throw new Error(`--fsync is everysec or always, not ${fsync}`);
  return {
    only: values.only.split(',').map(readKind),
    engines: [...(values.ours ? (['orrery'] as const) : []), ...readPeers(values.peers)],
    rounds: values.rounds === undefined ? undefined : readCount('rounds', values.rounds),
    size: values.quick ? 'quick' : 'full',
    workers: readCount('workers', values.workers),
    slots: readCount('slots', values.slots),
    peerOutbox: values['peer-outbox'],
    profiles: values.profile,
    ...{ fsync, history: values.history, json: values.json, help: values.help },
  };
}

function readKind(word: string): Kind {
  const kind = kinds.find((each) => each === word);
  if (kind === undefined) throw new Error(`there is no workload ${word}: take of ${kinds.join(', ')}`);
  return kind;
}

function readPeers(text: string): EngineName[] {
  return text.split(',').flatMap((word) => {
    if (word === 'none' || notInstalled.includes(word)) return [];
    if (word !== 'bullmq' && word !== 'restate')
      throw new Error(`there is no peer ${word}: take of bullmq, restate, none`);
    return [word];
  });
}

/** Peers that were asked for and are left out. */
export function skippedPeers(words: readonly string[]): string[] {
  return notInstalled.filter((name) => words.some((word) => word.split(/[=,]/).includes(name)));
}

function readCount(name: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`--${name} is a whole number from 1 on, not ${text}`);
  return count;
}
