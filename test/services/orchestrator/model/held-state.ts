import { DefinedPlan } from '#services/orchestrator/src/control/plan-reader.ts';
import { readStepRecord, type StepRecord } from '#services/orchestrator/src/control/step-record.ts';
import type { Profile } from '#services/orchestrator/src/core/plan.ts';
import type { StepPlan } from '#services/orchestrator/src/core/plan.ts';
import type { Dump } from './dump.ts';

export type Hash = Readonly<Record<string, string>>;
type Ranked = readonly (readonly [member: string, score: number])[];

export interface HeldRun {
  readonly id: string;
  readonly fields: Hash;
  readonly lane: string;
  readonly plan: DefinedPlan;
  /** What was ever touched, items too. */
  readonly steps: ReadonlyMap<string, StepRecord>;
  readonly counts: Hash;
  readonly data: Hash;
}

export interface HeldStep {
  readonly run: HeldRun;
  readonly ref: string;
  readonly member: string;
  readonly step: StepRecord;
  readonly profile: Profile;
}

/** A shard as it lies in Redis, read by noun. */
export class HeldState {
  readonly runs: readonly HeldRun[];
  readonly steps: readonly HeldStep[];
  readonly #dump: Dump;

  constructor(dump: Dump) {
    this.#dump = dump;
    const plans = new Map(this.named('def').map(([digest]) => [digest, planOf(this.hash(`def:${digest}`))]));
    this.runs = this.named('run').map(([id]) => {
      const fields = this.hash(`run:${id}`);
      const plan = plans.get(fields['definition'] ?? '');
      if (plan === undefined) throw new Error(`the definition of ${id} is gone`);
      const steps = Object.entries(this.hash(`st:${id}`)).map(([ref, text]) => [ref, readStepRecord(text)] as const);
      const lane = `${fields['tenant'] ?? ''}/${fields['workflow'] ?? ''}`;
      return {
        id,
        fields,
        lane,
        plan,
        steps: new Map(steps),
        counts: this.hash(`wt:${id}`),
        data: this.hash(`data:${id}`),
      };
    });
    this.steps = this.runs.flatMap((run) =>
      [...run.steps].map(([ref, step]) => {
        const profile = run.plan.profileOf(ref);
        if (profile === undefined) throw new Error(`${run.id} has no step ${ref}`);
        return { run, ref, member: `${run.id}|${ref}`, step, profile };
      }),
    );
  }

  has(name: string): boolean {
    return name in this.#dump;
  }

  hash(name: string): Hash {
    return (this.#dump[name] as Hash | undefined) ?? {};
  }

  ranking(name: string): Ranked {
    return (this.#dump[name] as Ranked | undefined) ?? [];
  }

  list(name: string): readonly string[] {
    return (this.#dump[name] as string[] | undefined) ?? [];
  }

  /** What there is of a kind of key, by its id. */
  named(kind: string): [id: string, value: unknown][] {
    const prefix = `${kind}:`;
    return Object.entries(this.#dump).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    );
  }

  inState(...states: readonly string[]): readonly HeldStep[] {
    return this.steps.filter(({ step }) => states.includes(step.state));
  }

  runsIn(...states: readonly string[]): readonly HeldRun[] {
    return this.runs.filter(({ fields }) => states.includes(fields['state'] ?? ''));
  }

  isPaused(scope: string): boolean {
    return scope in this.hash('paused');
  }

  /** More leases that a scope takes. */
  room(scope: string, most = this.hash('limits')[scope]): number {
    return most === undefined ? Infinity : Number(most) - Number(this.hash('held')[scope] ?? 0);
  }
}

function planOf(fields: Hash): DefinedPlan {
  const { profiles } = JSON.parse(fields['plan'] ?? '{"profiles":[]}') as { profiles: Profile[] };
  const chunks = Object.keys(fields).filter((name) => name.startsWith('p:'));
  chunks.sort((left, right) => Number(left.slice(2)) - Number(right.slice(2)));
  return new DefinedPlan(
    chunks.flatMap((name) => JSON.parse(fields[name] ?? '') as StepPlan[]),
    profiles,
  );
}
