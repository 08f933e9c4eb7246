import { randomBytes } from 'node:crypto';
import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import type { Clock } from '@orrery/kit/clock';
import type { Catalogue, DefinedWorkflow } from './definitions.ts';
import {
  keyReused,
  overloaded,
  parametersInvalid,
  runMissing,
  workflowMissing,
  workflowUnavailable,
  wrongState,
} from './errors.ts';
import { runName, shardOfTenant } from './keys.ts';
import type { MemoryGate } from './memory-gate.ts';
import type { OrchestratorMetrics } from './metrics.ts';
import { bindParameters } from './parameters.ts';
import type { RunReader } from './run-reader.ts';
import type { Submission, Submitted, Transitions } from './transitions.ts';

export interface RunsDeps {
  readonly catalogue: Catalogue;
  readonly transitions: Transitions;
  readonly reader: RunReader;
  readonly gate: MemoryGate;
  readonly shards: readonly string[];
  readonly clock: Clock;
  readonly metrics: OrchestratorMetrics;
  /** Something became ready or was withdrawn. */
  readonly onChange: () => void;
}

export interface Caller {
  readonly tenant: string;
  readonly actor: string;
}

export interface Order {
  readonly workflow: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly idempotencyKey: string | undefined;
}

const parametersLengthMax = 64 * 1024;

/** What people and clocks do to runs. */
export class Runs {
  readonly #deps: RunsDeps;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
  }

  /** Starts a run, or returns the one that the idempotency key stands for (`fresh: false`). */
  async start(caller: Caller, order: Order): Promise<{ run: string; state: string; fresh: boolean }> {
    const { catalogue, clock } = this.#deps;
    const workflow = catalogue.find(caller.tenant, order.workflow);
    if (workflow === undefined) {
      const known = catalogue.of(caller.tenant).map(({ definition }) => definition.name);
      throw workflowMissing(order.workflow, known);
    }
    const parameters = canonicalJson(bindParameters(workflow.definition, order.parameters));
    if (parameters.length > parametersLengthMax) {
      throw parametersInvalid([
        `the parameters have ${parameters.length} characters, the bound is ${parametersLengthMax}`,
      ]);
    }
    const request = digestOfBytes(canonicalJson({ workflow: order.workflow, parameters: order.parameters }));
    const submitted = await this.#submit(workflow, {
      actor: caller.actor,
      parameters,
      trigger: 'manual',
      logicalMs: clock.now(),
      ...(order.idempotencyKey === undefined ? {} : { idempotency: { key: order.idempotencyKey, request } }),
    });
    if (submitted.outcome === 'key-reused') throw keyReused(order.idempotencyKey ?? '', submitted.run);
    return { run: submitted.run, state: submitted.state, fresh: submitted.outcome === 'accepted' };
  }

  /** Starts the run of a cron trigger for one logical time, whoever else tries; says whether this call did it. */
  async fire(workflow: DefinedWorkflow, cron: string, logicalMs: number): Promise<boolean> {
    const parameters = canonicalJson(bindParameters(workflow.definition, {}));
    const submitted = await this.#submit(workflow, {
      actor: 'cron',
      parameters,
      trigger: `cron ${cron}`,
      logicalMs,
      cron,
    });
    return submitted.outcome === 'accepted';
  }

  async control(caller: Caller, run: string, verb: 'cancel' | 'retry'): Promise<{ run: string; state: string }> {
    const shard = this.#deps.reader.shardOf(run);
    const reason = `${verb} by ${caller.actor}`;
    const { tenant, actor } = caller;
    const { outcome, state } = await this.#deps.transitions.control(shard, { tenant, actor, run, verb, reason });
    switch (outcome) {
      case 'missing':
        throw runMissing(run);
      case 'wrong-state':
        throw wrongState(verb, run, state);
      case 'outbox-full':
      case 'queue-full':
        throw refusal(outcome, run);
      case 'done':
      case 'nothing':
        this.#deps.onChange();
        return { run, state };
    }
  }

  async #submit(
    workflow: DefinedWorkflow,
    wanted: Pick<Submission, 'actor' | 'parameters' | 'trigger' | 'logicalMs' | 'idempotency' | 'cron'>,
  ): Promise<Submitted> {
    const { gate, transitions, shards, clock, metrics, onChange } = this.#deps;
    const { tenant, definition, plan, lacks } = workflow;
    if (lacks.length > 0) throw workflowUnavailable(definition.name, lacks);
    await gate.pass();
    const shard = shardOfTenant(tenant, shards);
    const run = runName(shard, clock.now(), randomName());
    const submitted = await transitions.submit({ shard, run, tenant, workflow: definition.name, plan, ...wanted });
    metrics.submissions.inc({ outcome: submitted.outcome });
    if (submitted.outcome === 'outbox-full' || submitted.outcome === 'queue-full') {
      throw refusal(submitted.outcome, definition.name);
    }
    onChange();
    return submitted;
  }
}

function refusal(outcome: 'outbox-full' | 'queue-full', what: string) {
  if (outcome === 'queue-full') return overloaded('QUEUE_FULL', `as many runs as may wait are queued already: ${what}`);
  return overloaded('OUTBOX_FULL', `too many events wait for the bus: no more runs are taken in (${what})`);
}

function randomName(): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0');
}
