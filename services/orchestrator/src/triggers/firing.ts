import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import type { Alarm } from './alarms.ts';
import { actorOf, triggeredRunName } from './identity.ts';
import type {
  ResolveParameters,
  ShardOf,
  Submitter,
  TriggerAnswer,
  TriggeredSubmission,
  TriggerOutcome,
} from './types.ts';

export interface FiringDeps {
  readonly submitter: Submitter;
  readonly resolve: ResolveParameters;
  readonly shardOf: ShardOf;
  readonly clock: Clock;
  readonly log: Log;
  /** Each decided logical time, and how late it was: for metrics. */
  readonly onFired: (outcome: TriggerOutcome, lagMs: number) => void;
}

/** Logical times of one trigger that are to fire, oldest first. */
export interface Job {
  readonly alarm: Alarm;
  readonly times: readonly number[];
  /** What is decided once all of them have fired. */
  readonly settledMs: number;
}

const batchMax = 256;
const batchesAtOnce = 4;
const told: ReadonlySet<TriggerOutcome> = new Set(['skipped', 'paused', 'unavailable']);

/** Submits the runs of clocked triggers, those that are due together in one call. */
export class Firing {
  readonly #deps: FiringDeps;

  constructor(deps: FiringDeps) {
    this.#deps = deps;
  }

  /** Returns the triggers of which something was refused: that time and the later ones are still to be decided. */
  async fire(jobs: readonly Job[]): Promise<Alarm[]> {
    const refused: Alarm[] = [];
    const batches = Array.from({ length: Math.ceil(jobs.length / batchMax) }, (_, index) =>
      jobs.slice(index * batchMax, (index + 1) * batchMax),
    );
    const work = async () => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        refused.push(...(await this.#fireBatch(batch)));
      }
    };
    await Promise.all(Array.from({ length: Math.min(batchesAtOnce, batches.length) }, work));
    return refused;
  }

  /** One time of each trigger a call, since the earlier time of a trigger must be decided before the later is sent. */
  async #fireBatch(batch: readonly Job[]): Promise<Alarm[]> {
    const refused: Alarm[] = [];
    let left = batch;
    for (let round = 0; left.length > 0; round += 1) {
      const submissions = left.map((job) => this.#submission(job, round));
      const wanted = submissions.filter((submission) => submission !== undefined);
      const answers = await this.#submit(wanted);
      const answerOf = new Map(answers.map((answer) => [answer.run, answer]));
      const next: Job[] = [];
      for (const [index, job] of left.entries()) {
        const submission = submissions[index];
        const answer = submission === undefined ? undefined : answerOf.get(submission.run);
        const decided = submission === undefined || (answer !== undefined && answer.outcome !== 'refused');
        if (decided && answer !== undefined && submission !== undefined) this.#tell(submission, answer);
        if (!decided) refused.push(job.alarm);
        else if (settle(job, round)) next.push(job);
      }
      left = next;
    }
    return refused;
  }

  /** Nothing when a parameter has no value: that is told, and no run of this time can come of it. */
  #submission({ alarm, times }: Job, round: number): TriggeredSubmission | undefined {
    const { resolve, shardOf, log } = this.#deps;
    const { place, overlap } = alarm;
    const logicalMs = times[round] ?? alarm.settledMs;
    const run = triggeredRunName(shardOf(place.tenant), { ...place, logicalMs });
    try {
      const parameters = resolve(alarm.parameters, { run: { id: run, tenant: place.tenant, logicalMs }, event: null });
      const actor = actorOf(place.trigger);
      return { ...place, run, logicalMs, actor, parameters, overlap, fired: { after: logicalMs - 1 } };
    } catch (error) {
      log.warn({ ...place, logicalMs, reason: messageOf(error) }, 'a trigger does not fire');
      return undefined;
    }
  }

  /** A call that failed has decided nothing, as far as anybody knows; the name of each run lets it be sent again. */
  async #submit(submissions: readonly TriggeredSubmission[]): Promise<readonly TriggerAnswer[]> {
    if (submissions.length === 0) return [];
    try {
      return await this.#deps.submitter.submit(submissions);
    } catch (error) {
      this.#deps.log.warn({ runs: submissions.length, reason: messageOf(error) }, 'triggers must wait');
      return [];
    }
  }

  #tell({ tenant, workflow, trigger, logicalMs }: TriggeredSubmission, { run, outcome, reason }: TriggerAnswer): void {
    const { clock, log, onFired } = this.#deps;
    onFired(outcome, clock.now() - logicalMs);
    const fields = { tenant, workflow, trigger, run, logical: new Date(logicalMs).toISOString() };
    if (told.has(outcome)) log.info({ ...fields, outcome, reason }, 'a trigger did not start a run');
  }
}

/** Says whether the job has a further time. */
function settle({ alarm, times, settledMs }: Job, round: number): boolean {
  const last = round + 1 >= times.length;
  alarm.settledMs = Math.max(alarm.settledMs, last ? settledMs : (times[round] ?? settledMs));
  return !last;
}
