import { nothingToRetry, refusal, runMissing, wrongState } from '../errors.ts';
import type { RunReader, RunRecord } from '../runs/run-reader.ts';
import type { ControlOutcome, ResetStep } from '../core/control-call.ts';
import type { Transitions } from '../core/transitions.ts';
import type { DefinedPlan } from './plan-reader.ts';
import { partsOf, planReset, type MapItems, type ResetPlan, type RunStates } from './reset-plan.ts';

export interface ResetsDeps {
  readonly reader: RunReader;
  readonly transitions: Pick<Transitions, 'tick'>;
}

/** One call of a reset. */
export interface ResetPart {
  readonly steps: readonly ResetStep[];
  readonly counts: Readonly<Record<string, number>>;
  readonly left: number;
  readonly last: boolean;
}

interface Answer {
  readonly outcome: ControlOutcome;
  readonly state: string;
}

/** What would go again. */
export interface ResetView {
  readonly stepsCount: number;
  readonly itemsCount: number;
  /** The first of them by name. */
  readonly steps: readonly string[];
}

const rowsPerCall = 32;
const ticksMax = 50;
export const stepsToldMax = 1000;

/** Sets steps of ended runs back, in as many calls as it takes; what was broken off is taken up by the next one. */
export class Resets {
  readonly #deps: ResetsDeps;

  constructor(deps: ResetsDeps) {
    this.#deps = deps;
  }

  /** Throws `NOTHING_TO_RETRY` when every step has ended well and none is named. */
  async plan(record: RunRecord, from: readonly number[]): Promise<ResetPlan> {
    const plan = planReset(await this.statesOf(record), from);
    if (plan.again.length === 0) throw nothingToRetry(record.run);
    return plan;
  }

  view({ again, itemsAgain }: ResetPlan, plan: DefinedPlan): ResetView {
    const steps = again.slice(0, stepsToldMax).map((number) => plan.nameOf(String(number)));
    return { stepsCount: again.length, itemsCount: itemsAgain, steps };
  }

  async apply(plan: ResetPlan, send: (part: ResetPart) => Promise<Answer>): Promise<Answer> {
    let answer: Answer = { outcome: 'done', state: '' };
    for (const part of partsOf(plan, rowsPerCall)) {
      answer = await send({ ...part, left: plan.left });
      if (answer.outcome !== 'done') return answer;
    }
    return answer;
  }

  /** Carries out what earlier calls left behind of the run's life so far: it must not meet the next one. */
  async settle(shard: string): Promise<void> {
    for (let round = 0; round < ticksMax; round += 1) {
      if (!(await this.#deps.transitions.tick(shard)).more) return;
    }
  }

  async statesOf(record: RunRecord): Promise<RunStates> {
    const { reader } = this.#deps;
    const { shard, run, plan } = record;
    const records = await reader.allSteps(record);
    const refs = records.map((_, number) => String(number));
    const counts = await reader.counts(shard, run, refs);
    const counted = new Set(counts.flatMap((count, number) => ((count ?? 0) > 0 ? [number] : [])));
    const skippedByPerson = new Set(records.flatMap(({ on }, number) => (on === 'person' ? [number] : [])));
    const maps = await this.#mapsOf(record);
    return { plan, states: records.map(({ state }) => state), skippedByPerson, counted, maps };
  }

  async #mapsOf({ shard, run, plan }: RunRecord): Promise<Map<number, MapItems>> {
    const { reader } = this.#deps;
    const numbers = plan.steps.flatMap(([, , , profile], number) =>
      plan.profiles[profile]?.kind === 'map' ? [number] : [],
    );
    const counts = await reader.counts(
      shard,
      run,
      numbers.flatMap((number) => [`${number}n`, `${number}r`]),
    );
    const found = new Map<number, MapItems>();
    for (const [index, number] of numbers.entries()) {
      const [items = 0, released = 0] = counts.slice(index * 2, index * 2 + 2);
      if (items === 0) continue;
      const refs = Array.from({ length: released }, (_, item) => `${number}.${item}`);
      const states = (await reader.steps(shard, run, refs)).map(({ state }) => state);
      found.set(number, { items, released, states });
    }
    return found;
  }
}

/** What a control answered, as the error that it is; nothing when it was done. */
export function assertDone(verb: string, run: string, { outcome, state }: Answer): void {
  if (outcome === 'missing') throw runMissing(run);
  if (outcome === 'wrong-state') throw wrongState(verb, run, state);
  if (outcome === 'outbox-full' || outcome === 'queue-full') throw refusal(outcome, run);
}
