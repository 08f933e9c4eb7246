import { availableParallelism, loadavg } from 'node:os';
import { createBullmq } from './engines/bullmq.ts';
import { installPeers } from './engines/peers.ts';
import { createOrrery } from './engines/orrery.ts';
import { createRestate } from './engines/restate.ts';
import type { Engine, EngineName, EngineOptions } from './engines/types.ts';
import { helpText, parseOptions, skippedPeers, type Options } from './options.ts';
import { startMeasuredRedis } from './redis.ts';
import { formatBlock, formatHeading } from './report.ts';
import { measureRound, type Sample } from './round.ts';
import { planOf, type Kind, type Plan, type Workload } from './workloads.ts';

const factories: Readonly<Record<EngineName, (options: EngineOptions) => Engine>> = {
  orrery: createOrrery,
  bullmq: createBullmq,
  restate: createRestate,
};

const messageCharactersMax = 600;

interface Measured {
  readonly workload: Workload;
  readonly samples: readonly Sample[];
}

/** Ours, the peer, ours, the peer, …: what disturbs the machine disturbs them alike. */
async function measureKind(kind: Kind, options: Options, say: (line: string) => void): Promise<Measured> {
  const plan = planOf(kind, options.size);
  const samples: Sample[] = [];
  const rounds = Array.from({ length: options.rounds ?? plan.rounds }, (_, index) => index + 1);
  for (const round of rounds) {
    for (const engine of options.engines) {
      const what = `${kind}, round ${round}, ${engine}`;
      const sample = await measureEngine(engine, options, plan).catch((error: unknown) => {
        say(
          `${what} failed: ${(error instanceof Error ? error.message : String(error)).slice(0, messageCharactersMax)}`,
        );
        if (engine === 'orrery') process.exitCode = 1;
        return undefined;
      });
      if (sample === undefined) continue;
      samples.push(sample);
      say(`${what}: ${sample.wallMs.toFixed(0)} ms`);
    }
  }
  return { workload: plan.workload, samples };
}

async function measureEngine(engine: EngineName, options: Options, plan: Plan): Promise<Sample> {
  const { fsync, workers, slots, history, peerOutbox, profiles } = options;
  const given = { fsync, workers, slots, history, peerOutbox, ...(profiles === undefined ? {} : { profiles }) };
  return measureRound(factories[engine], given, plan);
}

async function describeMachine(options: Options) {
  const redis = await startMeasuredRedis(options.fsync);
  await redis.stop();
  return {
    ...{ redis: redis.version, node: process.versions.node, cores: availableParallelism(), load: loadavg()[0] ?? NaN },
    ...{ fsync: options.fsync, workers: options.workers, slots: options.slots },
    peerOutbox: options.engines.includes('bullmq') ? options.peerOutbox : undefined,
  };
}

async function main(): Promise<void> {
  const words = process.argv.slice(2);
  const options = parseOptions(words);
  if (options.help) {
    console.log(helpText);
    return;
  }
  // What is under way goes to standard error, so that the report can be kept by itself.
  const say = (line: string) => console.error(line);
  for (const name of skippedPeers(words)) say(`skipped: ${name} needs a server that npm does not install`);
  installPeers(options.engines, say);
  const machine = await describeMachine(options);
  if (!options.json) console.log(formatHeading(machine));
  const all: Measured[] = [];
  for (const kind of options.only) {
    const measured = await measureKind(kind, options, say);
    all.push(measured);
    if (!options.json) console.log(formatBlock(measured.workload, measured.samples));
    const broken = measured.samples.some(
      ({ engine, checks }) => engine === 'orrery' && checks.some(({ holds }) => !holds),
    );
    if (broken) process.exitCode = 1;
  }
  if (options.json) console.log(JSON.stringify({ machine, measured: all }, null, 2));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
