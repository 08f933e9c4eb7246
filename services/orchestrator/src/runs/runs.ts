import { randomBytes } from 'node:crypto';
import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import type { Clock } from '@orrery/kit/clock';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import type { Caller } from '../control/controls.ts';
import type { Catalogue, DefinedWorkflow } from '../definitions.ts';
import {
  keyReused,
  parametersInvalid,
  refusal,
  stateUnexpected,
  workflowMissing,
  workflowUnavailable,
} from '../errors.ts';
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
}

export interface Order {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly idempotencyKey?: string | undefined;
  /** 9 first; default: the definition's. */
  readonly priority?: number | undefined;
  /** Pool -> the build of workers that the run keeps for life. */
  readonly pins?: Readonly<Record<string, string>> | undefined;
}

export interface Taken {
  readonly run: string;
  readonly state: string;
  /** False of a run that the idempotency key stood for already. */
  readonly fresh: boolean;
}

/** What became of an order: a run, or why there is none. */
export type Outcome = Taken | OrreryError;

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
  async start(caller: Caller, name: string, order: Order): Promise<Taken> {
    const [outcome] = await this.startMany(caller, name, [order]);
    if (outcome === undefined) throw stateUnexpected('startMany', outcome);
    if (outcome instanceof OrreryError) throw outcome;
    return outcome;
  }

  /**
   * Starts runs of one workflow, and says of each order, in the order given, what became of it: what one is refused for keeps no other back,
   * and one that was refused before passes through. Throws what concerns all of them, and then none was taken in: `WORKFLOW_NOT_FOUND`,
   * `WORKFLOW_UNAVAILABLE`, `REDIS_FULL`.
   */
  async startMany(caller: Caller, name: string, orders: readonly (Order | OrreryError)[]): Promise<Outcome[]> {
    const { gate } = this.#deps;
    const workflow = this.#find(caller.tenant, name);
    const { definition, lacks } = workflow;
    if (lacks.length > 0) throw workflowUnavailable(definition.name, lacks);
    // Looked at once: of a workflow of 100,000 steps, a thousand orders would keep all others waiting for a second.
    const limitKeysOf = definition.steps.some(({ limit }) => limit !== undefined) ? this.#deps.limitKeysOf : () => ({});
    const prepared = orders.map((order) =>
      order instanceof OrreryError ? order : refusedOr(() => this.#prepare(caller, workflow, order, limitKeysOf)),
    );
    if (prepared.every((each) => each instanceof OrreryError)) return prepared;
    await gate.pass();
    return Promise.all(
      prepared.map(async (each) => (each instanceof OrreryError ? each : this.#take(each).catch(refusalOf))),
    );
  }

  /** What a person's order becomes. Throws `PARAMETERS_INVALID`. */
  #prepare(caller: Caller, workflow: DefinedWorkflow, order: Order, limitKeysOf: RunsDeps['limitKeysOf']): Submission {
    const { tenant, definition, plan } = workflow;
    const { shards, clock } = this.#deps;
    const bound = bindParameters(definition, order.parameters);
    const parameters = textOf(bound);
    if (parameters.length > parametersLengthMax) {
      const long = `the parameters have ${parameters.length} characters, the bound is ${parametersLengthMax}`;
      throw parametersInvalid([long]);
    }
    const { idempotencyKey: key, priority, pins } = order;
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
      ...(priority === undefined ? {} : { priority }),
      ...(pins === undefined ? {} : { pins }),
      ...(key === undefined ? {} : { idempotency: { key, request: requestDigest(definition.name, order) } }),
    };
  }

  async #take(submission: Submission): Promise<Taken> {
    const { shards, metrics } = this.#deps;
    const shard = shardOfTenant(submission.tenant, shards);
    const submitted = await this.#clients.get(shard)?.submit(submission);
    if (submitted === undefined) throw stateUnexpected('shardOfTenant', shard);
    metrics.submissions.inc({ outcome: submitted.outcome });
    assertTaken(submitted, submission);
    return { run: submitted.run, state: submitted.state, fresh: submitted.outcome === 'accepted' };
  }

  #find(tenant: string, name: string): DefinedWorkflow {
    const { catalogue } = this.#deps;
    const workflow = catalogue.find(tenant, name);
    if (workflow !== undefined) return workflow;
    const known = catalogue.of(tenant).map(({ definition }) => definition.name);
    throw workflowMissing(name, known);
  }
}

/** What was asked for, as the core compares it when it is asked again under the same key. */
function requestDigest(workflow: string, { parameters }: Order): string {
  return digestOfBytes(textOf({ workflow, parameters }));
}

/** Numbers and texts that JSON can't carry exactly are the caller's mistake. */
function textOf(value: Readonly<Record<string, unknown>>): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    throw parametersInvalid([messageOf(error)]);
  }
}

function assertTaken({ outcome, run }: Submitted, { workflow, idempotency }: Submission): void {
  if (outcome === 'key-reused') throw keyReused(idempotency?.key ?? '', run);
  if (outcome === 'outbox-full' || outcome === 'queue-full') throw refusal(outcome, workflow);
}

function refusedOr<T>(make: () => T): T | OrreryError {
  try {
    return make();
  } catch (error) {
    return refusalOf(error);
  }
}

/** What is no refusal ends it all. */
function refusalOf(error: unknown): OrreryError {
  if (error instanceof OrreryError) return error;
  throw error;
}

function randomName(): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0');
}
