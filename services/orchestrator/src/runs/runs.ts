import { randomBytes } from 'node:crypto';
import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import type { Clock } from '@orrery/kit/clock';
import type { Caller } from '../control/controls.ts';
import type { Catalogue, DefinedWorkflow } from '../definitions.ts';
import { keyReused, parametersInvalid, refusal, workflowMissing, workflowUnavailable } from '../errors.ts';
import { runName, shardOfTenant } from '../core/keys.ts';
import type { MemoryGate } from '../core/memory-gate.ts';
import type { OrchestratorMetrics } from '../metrics.ts';
import { bindParameters } from './parameters.ts';
import type { Submission, Submitted } from '../core/submission.ts';
import { SubmitClient } from '../core/submit-client.ts';
import type { Transitions } from '../core/transitions.ts';

export interface RunsDeps {
  readonly catalogue: Catalogue;
  readonly transitions: Pick<Transitions, 'submit'>;
  readonly gate: Pick<MemoryGate, 'pass'>;
  readonly shards: readonly string[];
  readonly clock: Clock;
  readonly metrics: Pick<OrchestratorMetrics, 'submissions'>;
  /** Ref -> the key under which a step's limit counts in such a run. */
  readonly limitKeysOf: (
    workflow: DefinedWorkflow,
    run: {
      readonly id: string;
      readonly tenant: string;
      readonly logicalMs: number;
      readonly parameters: Readonly<Record<string, unknown>>;
    },
  ) => Readonly<Record<string, string>>;
  /** Something became ready. */
  readonly onChange: () => void;
}

export interface Order {
  readonly workflow: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string | undefined;
  /** 9 first; default: the definition's. */
  readonly priority?: number | undefined;
  /** Pool -> the build of workers that the run keeps for life. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

const parametersLengthMax = 64 * 1024;

/** Takes runs in for people. */
export class Runs {
  readonly #deps: RunsDeps;
  readonly #clients: ReadonlyMap<string, SubmitClient>;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
    this.#clients = new Map(deps.shards.map((shard) => [shard, new SubmitClient(shard, deps.transitions)]));
  }

  /** Starts a run, or returns the one that the idempotency key stands for (`fresh: false`). */
  async start(caller: Caller, order: Order): Promise<{ run: string; state: string; fresh: boolean }> {
    const { gate, shards, metrics, onChange } = this.#deps;
    const workflow = this.#find(caller.tenant, order.workflow);
    const submission = this.submission(caller, workflow, order);
    await gate.pass();
    const submitted = await this.#clients.get(shardOfTenant(workflow.tenant, shards))?.submit(submission);
    if (submitted === undefined) throw refusal('outbox-full', order.workflow);
    metrics.submissions.inc({ outcome: submitted.outcome });
    assertTaken(submitted, order);
    onChange();
    return { run: submitted.run, state: submitted.state, fresh: submitted.outcome === 'accepted' };
  }

  /** What a person's order becomes. Throws `PARAMETERS_INVALID` and `WORKFLOW_UNAVAILABLE`. */
  submission(caller: Caller, workflow: DefinedWorkflow, order: Order): Submission {
    const { shards, clock, limitKeysOf } = this.#deps;
    const { tenant, definition, plan, lacks } = workflow;
    if (lacks.length > 0) throw workflowUnavailable(definition.name, lacks);
    const bound = bindParameters(definition, order.parameters);
    const parameters = canonicalJson(bound);
    if (parameters.length > parametersLengthMax) {
      const long = `the parameters have ${parameters.length} characters, the bound is ${parametersLengthMax}`;
      throw parametersInvalid([long]);
    }
    const request = digestOfBytes(canonicalJson({ workflow: order.workflow, parameters: order.parameters }));
    const logicalMs = clock.now();
    const run = runName(shardOfTenant(tenant, shards), logicalMs, randomName());
    return {
      ...{
        run,
        tenant,
        actor: caller.actor,
        workflow: definition.name,
        plan,
        parameters,
        trigger: 'manual',
        logicalMs,
      },
      limitKeys: limitKeysOf(workflow, { id: run, tenant, logicalMs, parameters: bound }),
      ...(order.priority === undefined ? {} : { priority: order.priority }),
      ...(order.pins === undefined ? {} : { pins: order.pins }),
      ...(order.idempotencyKey === undefined ? {} : { idempotency: { key: order.idempotencyKey, request } }),
    };
  }

  #find(tenant: string, name: string): DefinedWorkflow {
    const { catalogue } = this.#deps;
    const workflow = catalogue.find(tenant, name);
    if (workflow !== undefined) return workflow;
    const known = catalogue.of(tenant).map(({ definition }) => definition.name);
    throw workflowMissing(name, known);
  }
}

function assertTaken({ outcome, run }: Submitted, order: Order): void {
  if (outcome === 'key-reused') throw keyReused(order.idempotencyKey ?? '', run);
  if (outcome === 'outbox-full' || outcome === 'queue-full') throw refusal(outcome, order.workflow);
}

function randomName(): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0');
}
