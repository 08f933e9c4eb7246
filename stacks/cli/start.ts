import { randomUUID } from 'node:crypto';
import { relative } from 'node:path';
import { shortDigest } from '@orrery/contracts/digest';
import { retry } from '@orrery/kit/retry';
import { CommandError } from '../errors.ts';
import { startAgent, type StartedAgent } from '../local/agent-client.ts';
import { firstPin } from '../local/first-pin.ts';
import { mainWorkflow, scoreSamples } from '../local/main-job.ts';
import { serviceOf } from '../local/services.ts';
import { ensureToolchain } from '../setup/toolchain.ts';
import { buildReport, formatReport, type Report } from './report.ts';
import { runProgress } from './run-progress.ts';
import type { Verb, VerbContext, VerbResult } from './verb.ts';
import { followRun, patience } from './run-view.ts';

export const start: Verb = {
  name: 'start',
  summary: 'set up, bring the platform up, run the main job, report, keep it up until Ctrl-C (npm start)',
  wordsMax: 0,
  usage: '[--once]',
  help: `The whole platform on one machine: makes and pins the release of HEAD at the first start, starts every service of the
pinned release, takes in 3 million flights, builds features, trains in isolation, makes the model live as a release, scores.
  --once   exit after the report; non-zero when anything fell short (npm start -- --once)
A later start reuses what has the same inputs. What runs is the pin, never the working tree.`,
  options: { once: { type: 'boolean' } },
  async run(context, { values }) {
    const { places, progress } = context;
    const begun = context.now().getTime();
    progress('setting up');
    await ensureToolchain({ root: places.root, progress });
    const { pin, portBase } = await firstPin(context);
    progress(`starting release ${shortDigest(pin.release)} on 127.0.0.1, ports from ${portBase}`);
    const interrupted = context.untilInterrupted();
    const told = (line: string) => progress(`  ${line}`);
    const agent = await startAgent({ places, portBase, tied: true, progress: told, interrupted });
    try {
      const report = await runMainJob(context, agent, { begun, interrupted });
      const result = resultOf(report, relative(process.cwd(), places.state) || places.state);
      if (values['once'] === true) return result;
      process.stdout.write(`${context.json ? JSON.stringify(result.json, null, 2) : result.text}\n`);
      progress('\nthe platform is up; Ctrl-C ends it');
      await Promise.race([interrupted, agent.ended]);
      return { json: null, text: '', ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }) };
    } finally {
      progress('stopping');
      await agent.stop();
    }
  },
};

interface Job {
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly interrupted: Promise<void>;
}

async function runMainJob(context: VerbContext, agent: StartedAgent, job: Job): Promise<Report> {
  const { places, progress, actor, now } = context;
  const orchestrator = serviceOf(places, agent, 'orchestrator');
  const path = `/v1/workflows/${mainWorkflow}/runs`;
  const call = { method: 'POST', path, body: {}, actor, idempotencyKey: randomUUID() } as const;
  const { run } = (await retry(() => orchestrator.call(call), patience)).body as { run: string };
  progress(`main job: workflow ${mainWorkflow}, run ${run}`);
  const abort = new AbortController();
  void job.interrupted.then(() => abort.abort());
  void agent.ended.then(() => abort.abort());
  const told = runProgress(progress, () => now().getTime());
  const view = await followRun(orchestrator, run, { actor, onChange: told, interrupted: abort.signal });
  if (abort.signal.aborted) {
    const hint = 'npm start goes on where it was: what is done is reused';
    throw new CommandError({ code: 'INTERRUPTED', message: `the run ${run} was interrupted`, hint });
  }
  if (view.state !== 'succeeded') {
    const failed = view.steps.find((step) => step.state === 'failed');
    throw new CommandError({
      code: 'MAIN_JOB_FAILED',
      message: `step ${failed?.name ?? '?'} failed: ${failed?.error?.message ?? 'no reason given'}`,
      hint: failed?.error?.hint ?? `npx orrery logs orchestrator`,
    });
  }
  const scored = await scoreSamples(serviceOf(places, agent, 'scoring'), actor);
  return buildReport(view, scored, (now().getTime() - job.begun) / 1000);
}

function resultOf(report: Report, state: string): VerbResult {
  return { json: report, text: formatReport(report, state), exitCode: report.fellShort.length === 0 ? 0 : 1 };
}
