import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nowMs, waitUntil } from '../orchestrator/measure.ts';
import { auditLog } from './log-audit.ts';
import { pause } from './member.ts';
import { readLog, readSample, readStateSize, type Sample } from './samples.ts';
import { nextStrike, strike } from './strikes.ts';
import { Tree } from './tree.ts';
import { describeSample, judge, sampleHead } from './verdict.ts';
import { workflowNames } from './work-mix.ts';

const helpText = `npm run soak:orchestrator -- [options]

A steady load of every kind of work on a real tree of processes, some of which are killed or frozen now and then. Afterwards nothing
may be left: no key, no slot, no memory. The exit code is 1 when something is.

  --minutes n       of load (default: 60)
  --rate n          runs a second (default: 1)
  --strike-every n  seconds between two faults (default: 45)
  --json file       every sample and finding (default: soak.json in the folder for temporary files)
`;
const sampleEveryMs = 10_000;
const endMs = 120_000;
/** What ended is forgotten after half a minute, and looked for once a minute. */
const purgeMs = 180_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '1' },
    'strike-every': { type: 'string', default: '45' },
    json: { type: 'string', default: `${process.env['TMPDIR'] ?? '/tmp'}/soak.json` },
    help: { type: 'boolean', default: false },
  },
});
const print = (line: string): void => void process.stdout.write(`${line}\n`);

interface Load {
  taken: number;
  refused: number;
  stopped: boolean;
}

/** Asks for a run at each planned instant; one that nobody answered is asked for again under its key. */
async function keepSubmitting(tree: Tree, load: Load, everyMs: number): Promise<void> {
  const startedMs = nowMs();
  for (let count = 0; !load.stopped; count += 1) {
    const waitMs = startedMs + count * everyMs - nowMs();
    if (waitMs > 0) await pause(waitMs);
    const workflow = workflowNames[count % workflowNames.length] ?? '';
    const text = 'x'.repeat((count * 37) % 1500);
    let answer = await tree.submit(workflow, `soak-${count}`, text);
    while (answer === 'away') {
      await pause(200);
      answer = await tree.submit(workflow, `soak-${count}`, text);
    }
    if (answer === 'taken') load.taken += 1;
    else load.refused += 1;
  }
}

/** Waits, and says whether the load goes on afterwards. */
async function goesOn(load: Load, waitMs: number): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < waitMs && !load.stopped; waitedMs += 500) await pause(500);
  return !load.stopped;
}

async function keepStriking(tree: Tree, load: Load, everyMs: number): Promise<void> {
  for (let count = 0; await goesOn(load, everyMs); count += 1) {
    print(`    fault: ${nextStrike(count)}`);
    await strike(tree, nextStrike(count));
  }
}

async function leftOf(tree: Tree): Promise<{ held: number; leases: number; outbox: number; ended: number }> {
  const [held, leases, outbox, ended] = await Promise.all([
    tree.client.hlen('orchestrator:{s00}:held'),
    tree.client.zcard('orchestrator:{s00}:leases'),
    tree.client.xlen('orchestrator:{s00}:out'),
    tree.client.zcard('orchestrator:{s00}:ended'),
  ]);
  return { held, leases, outbox, ended };
}

async function hasEnded(tree: Tree, taken: number): Promise<boolean> {
  await pause(1000);
  const { leases, outbox } = await leftOf(tree);
  if (leases + outbox > 0) return false;
  const states = [...auditLog(await readLog(tree.client)).runs.values()];
  return states.length >= taken && states.every((state) => ['succeeded', 'failed', 'cancelled'].includes(state));
}

async function soak(tree: Tree): Promise<number> {
  await tree.start();
  const before = await readStateSize(tree.client);
  const load: Load = { taken: 0, refused: 0, stopped: false };
  const startedMs = nowMs();
  const seconds = () => Math.round((nowMs() - startedMs) / 1000);
  const samples: Sample[] = [];
  const working = Promise.all([
    keepSubmitting(tree, load, 1000 / Number(values.rate)),
    keepStriking(tree, load, Number(values['strike-every']) * 1000),
  ]);
  print(sampleHead);
  while (seconds() < Number(values.minutes) * 60) {
    await pause(sampleEveryMs);
    // Redis may be dead just then.
    const sample = await readSample(tree, seconds(), load.taken).catch(() => undefined);
    if (sample === undefined) continue;
    samples.push(sample);
    print(describeSample(sample));
  }
  load.stopped = true;
  await working;
  await waitUntil(() => hasEnded(tree, load.taken), endMs, 'all runs having ended');
  print(`all ${load.taken} runs ended ${seconds()} s after the start; ${load.refused} were refused`);
  const audit = auditLog(await readLog(tree.client));
  const isPurged = async () => (await pause(1000), (await leftOf(tree)).ended === 0);
  await waitUntil(isPurged, purgeMs, 'the ended runs being forgotten').catch((error: unknown) => print(String(error)));
  await pause(sampleEveryMs);
  const after = await readStateSize(tree.client);
  const { held, leases } = await leftOf(tree);
  const findings = judge({ before, after, samples, audit, taken: load.taken, held, leases });
  for (const { what, found, holds } of findings) print(`${holds ? 'ok  ' : 'BAD '} ${what}: ${found}`);
  const { entries, lapses } = audit;
  const told = { minutes: Number(values.minutes), load, before, after, findings, entries, lapses, samples };
  writeFileSync(values.json, JSON.stringify(told));
  print(`every sample: ${values.json}`);
  return findings.every(({ holds }) => holds) ? 0 : 1;
}

if (values.help) {
  print(helpText);
} else {
  const tree = await Tree.open();
  try {
    process.exitCode = await soak(tree);
  } finally {
    await tree.stop();
  }
}
