import type { Job } from '@orrery/contracts/job';
import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import type { Peer, PeerAnswer, PeerCall } from '@orrery/kit/peer';
import { backoff } from '@orrery/kit/retry';
import { stepTimeoutMs } from '../plan.ts';
import type { HttpStep, StepContext, StepExecutor, StepTask } from './types.ts';

export interface HttpExecutorOptions {
  readonly peers: ReadonlyMap<string, Peer>;
  readonly clock: Clock;
  readonly random: () => number;
  /** How long a peer that is away, starting or busy is waited for before the attempt fails. */
  readonly patienceMs: number;
}

const pollFirstMs = 100;
const pollMaxMs = 1000;
const waitFirstMs = 100;
const waitMaxMs = 2000;
/** How often a job may vanish, as it does with the process that held it, before the attempt fails. */
const lostJobsMax = 20;
const awayStatuses = new Set([408, 425, 429, 502, 503, 504]);

/**
 * Calls a peer. The idempotency key is `run/step`, the same for every attempt, so that a peer that did the work and whose answer
 * was lost doesn't do it again. A 202 is polled at its `location` until the job ends.
 */
export function createHttpExecutor(options: HttpExecutorOptions): StepExecutor<HttpStep> {
  return {
    async execute(task, context) {
      const { service } = task.step.with;
      const peer = options.peers.get(service);
      if (peer === undefined) throw peerUnknown(service, [...options.peers.keys()]);
      const calls = new PatientCalls(peer, options, context.signal);
      for (let lost = 0; lost <= lostJobsMax; lost += 1) {
        const answer = await calls.send(callOf(task));
        if (answer.status !== 202) return answer.body ?? null;
        const job = await follow(answer.body as Job, calls, { task, context, clock: options.clock });
        if (job !== undefined) return endOf(job, service);
      }
      throw jobLost(service);
    },
  };
}

function callOf(task: StepTask<HttpStep>): PeerCall {
  const { method = 'POST', path, body } = task.step.with;
  return {
    method,
    path,
    ...(body === undefined ? {} : { body }),
    tenant: task.tenant,
    actor: task.actor,
    timeoutMs: stepTimeoutMs(task.step),
    idempotencyKey: `${task.run}/${task.step.name}`,
  };
}

/** The job when it has ended; undefined when the peer no longer knows it, so that the call must be made again. */
async function follow(
  first: Job,
  calls: PatientCalls,
  place: { task: StepTask<HttpStep>; context: StepContext; clock: Clock },
): Promise<Job | undefined> {
  let job = first;
  assertOwnPath(job.location, place.task.step.with.service);
  for (let waitMs = pollFirstMs; job.state === 'running'; waitMs = Math.min(waitMs * 2, pollMaxMs)) {
    if (job.progress !== undefined) place.context.report(job.progress);
    await place.clock.sleep(waitMs, place.context.signal);
    const { tenant, actor } = place.task;
    try {
      job = (await calls.send({ method: 'GET', path: job.location, tenant, actor })).body as Job;
    } catch (error) {
      if (error instanceof OrreryError && error.status === 404) return undefined;
      throw error;
    }
  }
  return job;
}

/** A path of the same peer: an address would carry the token elsewhere. */
function assertOwnPath(location: unknown, service: string): asserts location is string {
  if (typeof location === 'string' && /^\/(?![/\\])/.test(location)) return;
  throw new OrreryError({
    code: 'JOB_LOCATION_WRONG',
    message: `${service} answered 202 with the location ${JSON.stringify(location)}`,
    hint: 'a job is polled at a path of the same service',
  });
}

function endOf(job: Job, service: string): unknown {
  if (job.state === 'succeeded') return job.result ?? null;
  const { code, message, hint, retryable } = job.error ?? {
    code: 'JOB_FAILED',
    message: `the job ${job.id} of ${service} failed without a reason`,
    hint: `see the log of ${service}`,
    retryable: true,
  };
  throw new OrreryError({ code, message, hint, retry: retryable ? 'retryable' : 'terminal' });
}

/** Calls that outlast a peer's restart: being away is the environment's fault, so it costs patience, not an attempt. */
class PatientCalls {
  readonly #peer: Peer;
  readonly #options: HttpExecutorOptions;
  readonly #signal: AbortSignal;

  constructor(peer: Peer, options: HttpExecutorOptions, signal: AbortSignal) {
    this.#peer = peer;
    this.#options = options;
    this.#signal = signal;
  }

  async send(call: PeerCall): Promise<PeerAnswer> {
    const { clock, patienceMs, random } = this.#options;
    const deadlineMs = clock.now() + patienceMs;
    for (let attempt = 1; ; attempt += 1) {
      this.#signal.throwIfAborted();
      try {
        return await this.#peer.call({ ...call, signal: this.#signal });
      } catch (error) {
        const waitMs = backoff(attempt, { backoffMs: waitFirstMs, backoffMaxMs: waitMaxMs, random });
        if (!isAway(error) || clock.now() + waitMs > deadlineMs) throw error;
        await clock.sleep(waitMs, this.#signal);
      }
    }
  }
}

function isAway(error: unknown): boolean {
  if (!(error instanceof OrreryError) || error.retry !== 'retryable') return false;
  return error.code === 'PEER_UNREACHABLE' || awayStatuses.has(error.status);
}

function peerUnknown(service: string, known: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'PEER_UNKNOWN',
    message: `this environment has no service "${service}"`,
    hint: `known: ${known.join(', ')}`,
  });
}

function jobLost(service: string): OrreryError {
  return new OrreryError({
    code: 'JOB_LOST',
    message: `${service} forgot the job ${lostJobsMax + 1} times`,
    hint: `see why ${service} restarts: npx orrery logs ${service}`,
    retry: 'retryable',
  });
}
