import type { Catalogue } from '../definitions.ts';
import { migrationRefused, reasonMissing, stepStateWrong, workflowMissing, wrongState } from '../errors.ts';
import type { RunReader, RunRecord } from '../runs/run-reader.ts';
import type { Control, ControlOutcome, ControlVerb } from '../core/control-call.ts';
import type { Transitions } from '../core/transitions.ts';
import { judge, type Judged, type RunVerb } from './judge.ts';
import { assertMigrates, planMigration } from './migration-plan.ts';
import { assertDone, Resets, type ResetPart, type ResetView } from './resets.ts';
import { endedStates } from './step-record.ts';

/** Who asks. */
export interface Caller {
  readonly tenant: string;
  readonly actor: string;
}

export interface Wish {
  readonly verb: RunVerb;
  readonly reason?: string | undefined;
  readonly graceMs?: number | undefined;
  readonly priority?: number | undefined;
  /** Name of the step from which a retry or a reset goes again. */
  readonly from?: string | undefined;
}

export interface Told {
  readonly run: string;
  readonly state: string;
  /** `nothing`: it was so already. */
  readonly outcome: 'done' | 'nothing' | 'would';
  /** What was done, or would be. */
  readonly text: string;
  readonly again?: ResetView;
}

export interface ControlsDeps {
  readonly reader: RunReader;
  readonly transitions: Transitions;
  readonly catalogue: Catalogue;
  /** A part of a reset that also moves the run to another definition, from the first part on. Without it nothing is migrated. */
  readonly migrate?: (shard: string, on: Control, part: ResetPart & { readonly definition: string }) => Promise<Answer>;
  /** Something became ready or was withdrawn. */
  readonly onChange: () => void;
}

interface Answer {
  readonly outcome: ControlOutcome;
  readonly state: string;
}

export const graceDefaultMs = 10_000;
const nextShownMax = 5;

/** What people do to a run and its steps. Each is one entry of the log, with who did it and why. */
export class Controls {
  readonly #deps: ControlsDeps;
  readonly #resets: Resets;

  constructor(deps: ControlsDeps) {
    this.#deps = deps;
    this.#resets = new Resets(deps);
  }

  /** What the wish would do; throws what it would be refused with. */
  async foretell(caller: Caller, run: string, wish: Wish): Promise<Told> {
    const record = await this.#deps.reader.record(caller.tenant, run);
    const { state } = record.summary;
    const verdict = judge(wish.verb, judgedOf(record), {
      graceMs: wish.graceMs ?? graceDefaultMs,
      ...priorityOf(wish),
    });
    if (verdict.outcome === 'refused') throw verdict.error;
    if (verdict.outcome === 'nothing') return { run, state, outcome: 'nothing', text: verdict.text };
    if (wish.verb === 'migrate') {
      const { again } = await this.#planMigration(record);
      return { run, state, outcome: 'would', text: verdict.text, again };
    }
    if (wish.verb !== 'retry' && wish.verb !== 'reset') return { run, state, outcome: 'would', text: verdict.text };
    const plan = await this.#resets.plan(record, fromOf(record, wish));
    const again = this.#resets.view(plan, record.plan);
    return { run, state, outcome: 'would', text: textOf(again), again };
  }

  /** Does it. Redis judges: what has changed since a look at the run is refused with the state that it has. */
  async act(caller: Caller, run: string, wish: Wish): Promise<Told> {
    const { reader, transitions, onChange } = this.#deps;
    const { verb } = wish;
    if (verb === 'kill' && (wish.reason ?? '') === '') throw reasonMissing(verb);
    const on = this.#on(caller, run, wish);
    if (verb === 'retry' || verb === 'reset') return this.#reset(caller, on, wish);
    if (verb === 'migrate') return this.#migrate(caller, on);
    const answer = await transitions.control(reader.shardOf(run), on, commandOf(wish));
    assertDone(verb, run, answer);
    onChange();
    const { state } = answer;
    return { run, state, outcome: answer.outcome === 'nothing' ? 'nothing' : 'done', text: `${verb}: ${state}` };
  }

  /** What a skip would do; throws what it would be refused with. */
  async foretellSkip(caller: Caller, run: string, step: string): Promise<Told> {
    const { reader } = this.#deps;
    const { shard, plan, ref } = await this.#skippable(caller, run, step);
    const [found] = await reader.steps(shard, run, [ref]);
    const state = found?.state ?? '';
    // An item that was never let go is not counted by its map.
    const isEarly = state === 'waiting' && ref.includes('.');
    if (state === 'running' || isEarly || endedStates.includes(state)) throw stepStateWrong('skip', step, state);
    const next = (plan.steps[Number(ref)]?.[2] ?? []).map((child) => plan.nameOf(String(child)));
    const named = next.slice(0, nextShownMax).join(', ') + (next.length > nextShownMax ? ', …' : '');
    const text = `ends ${step}, which is ${state}, as if it had ended well${next.length === 0 ? '' : `; then ${named}`}`;
    return { run, state: 'running', outcome: 'would', text };
  }

  /** Ends a step that need not be done, as if it had ended well: what follows it starts. */
  async skip(
    caller: Caller,
    run: string,
    { step, reason }: { step: string; reason: string | undefined },
  ): Promise<Told> {
    const { reader, transitions, onChange } = this.#deps;
    if ((reason ?? '') === '') throw reasonMissing('skip');
    const { ref, ...record } = await this.#skippable(caller, run, step);
    const on = { tenant: caller.tenant, actor: caller.actor, reason: reason ?? '', on: run };
    const answer = await transitions.control(record.shard, on, { verb: 'skip', ref });
    if (answer.outcome === 'wrong-state') {
      if (answer.state !== 'running') throw wrongState('skip', run, answer.state);
      const [found] = await reader.steps(record.shard, run, [ref]);
      throw stepStateWrong('skip', step, found?.state ?? '');
    }
    assertDone('skip', run, answer);
    onChange();
    return { run, state: answer.state, outcome: 'done', text: `${step} is skipped` };
  }

  async #skippable(caller: Caller, run: string, step: string): Promise<RunRecord & { readonly ref: string }> {
    const record = await this.#deps.reader.record(caller.tenant, run);
    if (record.summary.state !== 'running') throw wrongState('skip', run, record.summary.state);
    return { ...record, ref: record.plan.refOf(step) };
  }

  async #reset(caller: Caller, on: Control, wish: Wish): Promise<Told> {
    const { reader, transitions, onChange } = this.#deps;
    const shard = reader.shardOf(on.on);
    // A large run that was killed a moment ago may still be on its way to its end.
    await this.#resets.settle(shard);
    const record = await this.#judged(caller, on.on, wish);
    const plan = await this.#resets.plan(record, fromOf(record, wish));
    const answer = await this.#resets.apply(plan, (part) => transitions.control(shard, on, { verb: 'reset', ...part }));
    assertDone(wish.verb, on.on, answer);
    onChange();
    const again = this.#resets.view(plan, record.plan);
    return { run: on.on, state: answer.state, outcome: 'done', text: textOf(again), again };
  }

  /** An open run is ended first: what waits in it, such as an approval, waits anew under the new definition. */
  async #migrate(caller: Caller, on: Control): Promise<Told> {
    const { reader, transitions, migrate, onChange } = this.#deps;
    const { shard, summary } = await this.#judged(caller, on.on, { verb: 'migrate' });
    if (migrate === undefined) throw migrationRefused(on.on, 'this core has no means to', 'start a new run');
    await this.#planMigration(await reader.record(caller.tenant, on.on));
    if (['queued', 'running'].includes(summary.state)) {
      const ended = await transitions.control(shard, on, { verb: 'cancel', graceMs: 0 });
      assertDone('migrate', on.on, ended);
    }
    await this.#resets.settle(shard);
    const record = await reader.record(caller.tenant, on.on);
    const { workflow, plan, again } = await this.#planMigration(record);
    await transitions.define(shard, workflow.plan);
    const definition = workflow.plan.digest;
    const answer = await this.#resets.apply(plan, (part) => migrate(shard, on, { ...part, definition }));
    assertDone('migrate', on.on, answer);
    onChange();
    return { run: on.on, state: answer.state, outcome: 'done', text: textOf(again), again };
  }

  async #planMigration(record: RunRecord) {
    const { catalogue } = this.#deps;
    const { summary } = record;
    const workflow = catalogue.find(summary.tenant, summary.workflow);
    if (workflow === undefined) {
      throw workflowMissing(
        summary.workflow,
        catalogue.of(summary.tenant).map(({ definition }) => definition.name),
      );
    }
    const planned = planMigration(await this.#resets.statesOf(record), workflow.plan);
    assertMigrates(record, workflow.plan, planned);
    return { workflow, plan: planned.reset, again: this.#resets.view(planned.reset, planned.plan) };
  }

  /** Throws what a look says; Redis has the last word. */
  async #judged(caller: Caller, run: string, wish: Wish): Promise<RunRecord> {
    const record = await this.#deps.reader.record(caller.tenant, run);
    const verdict = judge(wish.verb, judgedOf(record));
    if (verdict.outcome === 'refused') throw verdict.error;
    return record;
  }

  #on({ tenant, actor }: Caller, run: string, { verb, reason }: Wish): Control {
    return { tenant, actor, on: run, reason: reason === undefined || reason === '' ? `${verb} by ${actor}` : reason };
  }
}

export function judgedOf({ run, summary, hash }: Pick<RunRecord, 'run' | 'summary' | 'hash'>): Judged {
  const { state, paused, priority } = summary;
  const [active, left] = [Number(hash['active']), Number(hash['left'])];
  return { run, state, paused, priority, active, left, hasParent: (hash['parent'] ?? '') !== '' };
}

function commandOf(wish: Wish): ControlVerb {
  switch (wish.verb) {
    case 'cancel':
      return { verb: 'cancel', graceMs: wish.graceMs ?? graceDefaultMs };
    case 'priority':
      return { verb: 'priority', priority: wish.priority ?? 5 };
    case 'pause':
    case 'resume':
    case 'kill':
      return { verb: wish.verb };
    case 'retry':
    case 'reset':
    case 'migrate':
      throw new TypeError(`${wish.verb} takes more than one call`);
  }
}

function fromOf({ plan }: RunRecord, { from }: Wish): number[] {
  if (from === undefined) return [];
  return [Number(plan.refOf(from.split('.')[0] ?? from))];
}

function priorityOf({ priority }: Wish): { priority?: number } {
  return priority === undefined ? {} : { priority };
}

function textOf({ stepsCount, itemsCount, steps }: ResetView): string {
  const shown = steps.slice(0, 5).join(', ');
  const items = itemsCount === 0 ? '' : `, with ${itemsCount} items of maps`;
  return `${stepsCount} step${stepsCount === 1 ? ' goes' : 's go'} again${items}: ${shown}${stepsCount > 5 ? ', …' : ''}`;
}
