import type { Job } from '@orrery/contracts/job';
import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import type { Peer, PeerAnswer, PeerCall } from '@orrery/kit/peer';
import { backoff } from '@orrery/kit/retry';
import { ClassedError, classOfStatus } from '../work/error-class.ts';
import type { Breaker, Breakers } from './breakers.ts';
import type { Given, StepContext, StepExecutor, StepTask } from './types.ts';

export interface HttpExecutorOptions {
  readonly peers: ReadonlyMap<string, Peer>;
  /** Of those that `isAway` tells. */
  readonly breakers: Breakers;
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

type HttpTask = StepTask<Given<'http'>>;

/**
 * Calls a peer. The idempotency key is `run/step`, the same for every attempt, so that a peer that did the work and whose answer
 * was lost doesn't do it again. A 202 is polled at its `location` until the job ends. A peer that is away is waited for, as long as
 * its breaker is closed.
 */
export function createHttpExecutor(options: HttpExecutorOptions): StepExecutor<Given<'http'>> {
  return {
    async execute(task, context) {
      const { service } = task.given;
      const peer = options.peers.get(service);
      if (peer === undefined) throw peerUnknown(service, [...options.peers.keys()]);
      const calls = new PatientCalls({ peer, breaker: options.breakers.of(service) }, options, context.signal);
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

function callOf(task: HttpTask): PeerCall {
  const { method = 'POST', path, body } = task.given;
  return {
    method,
    path,
    ...(body === undefined ? {} : { body }),
    tenant: task.tenant,
    actor: task.actor,
    timeoutMs: task.timeoutMs,
    idempotencyKey: `${task.run}/${task.name}`,
  };
}

/** The job when it has ended; undefined when the peer no longer knows it, so that the call must be made again. */
async function follow(
  first: Job,
  calls: PatientCalls,
  place: { task: HttpTask; context: StepContext; clock: Clock },
): Promise<Job | undefined> {
  let job = first;
  assertOwnPath(job.location, place.task.given.service);
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
  throw new ClassedError('failure', {
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
  throw new ClassedError('failure', { code, message, hint, retry: retryable ? 'retryable' : 'terminal' });
}

/** Calls that outlast a peer's restart: being away is the environment's fault, so it costs patience, not an attempt. */
class PatientCalls {
  readonly #to: { readonly peer: Peer; readonly breaker: Breaker };
  readonly #options: HttpExecutorOptions;
  readonly #signal: AbortSignal;

  constructor(
    to: { readonly peer: Peer; readonly breaker: Breaker },
    options: HttpExecutorOptions,
    signal: AbortSignal,
  ) {
    this.#to = to;
    this.#options = options;
    this.#signal = signal;
  }

  async send(call: PeerCall): Promise<PeerAnswer> {
    const { clock, patienceMs, random } = this.#options;
    const { breaker } = this.#to;
    const deadlineMs = clock.now() + patienceMs;
    for (let attempt = 1; ; attempt += 1) {
      this.#signal.throwIfAborted();
      try {
        return await breaker.call(() => this.#call(call));
      } catch (error) {
        const ownMs = backoff(attempt, { backoffMs: waitFirstMs, backoffMaxMs: waitMaxMs, random });
        const waitMs = Math.max(ownMs, (error as { retryAfterMs?: number }).retryAfterMs ?? 0);
        if (!mayPass(error) || clock.now() + waitMs > deadlineMs) throw classed(error);
        await clock.sleep(waitMs, this.#signal);
      }
    }
  }

  async #call(call: PeerCall): Promise<PeerAnswer> {
    const { peer, breaker } = this.#to;
    try {
      return await peer.call({ ...call, signal: this.#signal });
    } catch (error) {
      // A call that we have ended ourselves says nothing of the peer; as a probe it has not found it.
      if (breaker.state === 'closed') this.#signal.throwIfAborted();
      throw error;
    }
  }
}

/** The peer does not answer, as when it restarts. One that asks for patience is there. */
export function isAway(error: unknown): boolean {
  return mayPass(error) && (error as OrreryError).status !== 429;
}

function mayPass(error: unknown): boolean {
  if (!(error instanceof OrreryError) || error instanceof ClassedError || error.retry !== 'retryable') return false;
  return error.code === 'PEER_UNREACHABLE' || awayStatuses.has(error.status);
}

/** What a peer says by the status of its answer. */
function classed(error: unknown): unknown {
  if (!(error instanceof OrreryError) || error instanceof ClassedError || error.code === 'PEER_UNREACHABLE')
    return error;
  const { code, message, hint, retry, status, retryAfterMs } = error;
  const patience = retryAfterMs === undefined ? {} : { retryAfterMs };
  return new ClassedError(classOfStatus(status), { code, message, hint, retry, status, ...patience, cause: error });
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
