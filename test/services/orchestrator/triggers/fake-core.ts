import type {
  Submitter,
  TriggerAnswer,
  TriggeredSubmission,
  TriggerOutcome,
  TriggerPlace,
  Watermarks,
} from '#services/orchestrator/src/triggers/types.ts';

/** What the Redis function promises of triggered runs: a name once, and a watermark that moves with it. */
export class FakeCore implements Submitter, Watermarks {
  readonly accepted: TriggeredSubmission[] = [];
  readonly answers: TriggerAnswer[] = [];
  readonly watermarks = new Map<string, number>();
  calls = 0;
  watermarkCalls = 0;
  readonly #runs = new Set<string>();
  /** What else may stand in the way of a run: asked for those that are neither known nor past. */
  decide: (submission: TriggeredSubmission) => TriggerOutcome = () => 'accepted';

  submit(submissions: readonly TriggeredSubmission[]): Promise<readonly TriggerAnswer[]> {
    this.calls += 1;
    const answers = submissions.map((submission) => {
      const outcome = this.#submitOne(submission);
      return { run: submission.run, outcome };
    });
    this.answers.push(...answers);
    return Promise.resolve(answers);
  }

  last(places: readonly TriggerPlace[]): Promise<readonly (number | undefined)[]> {
    this.watermarkCalls += 1;
    return Promise.resolve(places.map((place) => this.watermarks.get(keyOf(place))));
  }

  #submitOne(submission: TriggeredSubmission): TriggerOutcome {
    const { run, fired, logicalMs } = submission;
    if (this.#runs.has(run)) return 'known';
    const watermark = this.watermarks.get(keyOf(submission));
    if (fired !== undefined && watermark !== undefined && watermark > fired.after) return 'past';
    const outcome = this.decide(submission);
    if (outcome === 'refused') return outcome;
    if (fired !== undefined) this.watermarks.set(keyOf(submission), Math.max(watermark ?? 0, logicalMs));
    if (outcome === 'accepted') {
      this.#runs.add(run);
      this.accepted.push(submission);
    }
    return outcome;
  }
}

function keyOf({ tenant, workflow, trigger }: TriggerPlace): string {
  return `${tenant}/${workflow}|${trigger}`;
}
