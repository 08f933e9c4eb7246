import { canonicalJson } from '@orrery/contracts/digest';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { Catalogue } from '../definitions.ts';
import { bindParameters } from '../runs/parameters.ts';
import type { Submission, SubmitOutcome } from '../core/submission.ts';
import { submissionsMax, type Transitions } from '../core/transitions.ts';
import type { ShardOf, Submitter, TriggerAnswer, TriggeredSubmission, TriggerOutcome } from './types.ts';

export interface RunSubmitterDeps {
  readonly catalogue: Catalogue;
  readonly transitions: Pick<Transitions, 'submit'>;
  /** Throws while Redis is nearly full. */
  readonly gate: { pass(): Promise<void> };
  readonly shardOf: ShardOf;
  readonly limitKeysOf: (
    definition: Submission['plan']['workflow'],
    scope: {
      readonly parameters: Readonly<Record<string, unknown>>;
      readonly run: { readonly id: string; readonly tenant: string; readonly logicalMs: number };
    },
  ) => Readonly<Record<string, string>>;
  /** Something became ready. */
  readonly onChange: () => void;
}

type Prepared = { readonly submission: Submission } | { readonly unavailable: string };

const outcomes: Readonly<Record<SubmitOutcome, TriggerOutcome>> = {
  accepted: 'accepted',
  known: 'known',
  past: 'past',
  skipped: 'skipped',
  paused: 'paused',
  'key-reused': 'known',
  'outbox-full': 'refused',
  'queue-full': 'refused',
  'definition-needed': 'refused',
};

/** Hands the runs of triggers to the core, those of a shard together. */
export class RunSubmitter implements Submitter {
  readonly #deps: RunSubmitterDeps;

  constructor(deps: RunSubmitterDeps) {
    this.#deps = deps;
  }

  async submit(submissions: readonly TriggeredSubmission[]): Promise<readonly TriggerAnswer[]> {
    const { gate, shardOf, onChange } = this.#deps;
    const full = await gate.pass().then(
      () => undefined,
      (error: unknown) => messageOf(error),
    );
    if (full !== undefined) return submissions.map(({ run }) => ({ run, outcome: 'refused', reason: full }));
    const prepared = submissions.map((wanted) => this.#prepare(wanted));
    const answers = new Map<string, TriggerOutcome>();
    const sound = prepared.flatMap((each) => ('submission' in each ? [each.submission] : []));
    for (const [shard, own] of Map.groupBy(sound, ({ tenant }) => shardOf(tenant))) {
      for (let first = 0; first < own.length; first += submissionsMax) {
        const some = own.slice(first, first + submissionsMax);
        const submitted = await this.#deps.transitions.submit(shard, some);
        for (const [index, { outcome }] of submitted.entries()) answers.set(some[index]?.run ?? '', outcomes[outcome]);
      }
    }
    if (answers.size > 0) onChange();
    return submissions.map(({ run }, index) => {
      const each = prepared[index];
      if (each !== undefined && 'unavailable' in each) return { run, outcome: 'unavailable', reason: each.unavailable };
      return { run, outcome: answers.get(run) ?? 'refused' };
    });
  }

  #prepare({ fired, trigger, parameters: given, ...wanted }: TriggeredSubmission): Prepared {
    const { catalogue, limitKeysOf } = this.#deps;
    const workflow = catalogue.find(wanted.tenant, wanted.workflow);
    if (workflow === undefined) return { unavailable: `there is no workflow "${wanted.workflow}"` };
    if (workflow.lacks.length > 0) return { unavailable: `this environment lacks ${workflow.lacks.join(', ')}` };
    try {
      const bound = bindParameters(workflow.definition, given);
      const { run: id, tenant, logicalMs } = wanted;
      const limitKeys = limitKeysOf(workflow.definition, { parameters: bound, run: { id, tenant, logicalMs } });
      const { plan } = workflow;
      const submission = { ...wanted, plan, trigger, parameters: canonicalJson(bound), limitKeys, automatic: true };
      return {
        submission: fired === undefined ? submission : { ...submission, fired: { trigger, afterMs: fired.after } },
      };
    } catch (error) {
      if (error instanceof OrreryError && error.retry === 'terminal') return { unavailable: error.message };
      throw error;
    }
  }
}
