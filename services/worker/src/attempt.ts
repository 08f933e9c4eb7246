import { progressBytesMax, type EndingFrame, type Lease, type TaskFrame } from './frames.ts';
import { StepError } from './step-error.ts';

/** Why a handler's signal was aborted: `context.signal.reason`. */
export type AbortReason = 'lease-lost' | 'stopped' | 'timeout' | 'silent' | 'draining';

/** What a handler knows and may do beside its input. */
export interface HandlerContext {
  readonly run: string;
  /** The step's name, as the definition has it. */
  readonly step: string;
  readonly workflow: string;
  readonly tenant: string;
  /** From 1. */
  readonly attempt: number;
  /** Decimal digits that only grow from attempt to attempt: whoever keeps the highest seen can refuse a late worker. */
  readonly fence: string;
  /** The same for every attempt of this step in this run: what must happen once is asked for under this key. */
  readonly idempotencyKey: string;
  /** Aborted when the attempt should end: its reason is an AbortReason. What goes on after that is not accepted. */
  readonly signal: AbortSignal;
  /** A sign of life, with what has been done so far (JSON of at most 2 KiB). Needed where the step has heartbeatSeconds. */
  readonly heartbeat: (progress?: unknown) => void;
  readonly log: (message: string, fields?: object) => void;
}

export type Handler<Input = never> = (input: Input, context: HandlerContext) => unknown;

export interface AttemptDeps {
  readonly nowMs: () => number;
  readonly write: (message: string, fields: object) => void;
}

const errorTextMax = 4000;
const hintTextMax = 1000;
const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/;

/** One task in work: its lease by our own clock, and its handler's context. */
export class Attempt {
  readonly task: TaskFrame;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  /** The number of the connection over which it came: while that stands, the task takes one of its slots. */
  readonly connection: number;
  /** Until then nobody else can have the lease. */
  safeUntilMs: number;
  readonly #deadlineAtMs: number;
  readonly #abort = new AbortController();
  readonly #deps: AttemptDeps;
  #progress: unknown;
  #heardAtMs: number;

  constructor(task: TaskFrame, at: { connection: number; safeUntilMs: number }, deps: AttemptDeps) {
    const { run, ref, fence, deadlineMs } = task;
    this.task = task;
    this.lease = { run, ref, fence };
    this.signal = this.#abort.signal;
    this.connection = at.connection;
    this.safeUntilMs = at.safeUntilMs;
    this.#deadlineAtMs = deadlineMs === 0 ? Number.POSITIVE_INFINITY : deps.nowMs() + deadlineMs;
    this.#heardAtMs = deps.nowMs();
    this.#deps = deps;
  }

  get reason(): AbortReason | undefined {
    return this.signal.aborted ? (this.signal.reason as AbortReason) : undefined;
  }

  abort(reason: AbortReason): void {
    // A lease that is lost ends everything that was said before it.
    if (!this.signal.aborted) this.#abort.abort(reason);
  }

  /** Looks at its clocks. */
  check(nowMs: number): void {
    const { heartbeatMs } = this.task;
    if (nowMs >= this.safeUntilMs) this.abort('lease-lost');
    else if (nowMs >= this.#deadlineAtMs) this.abort('timeout');
    else if (heartbeatMs > 0 && nowMs - this.#heardAtMs > heartbeatMs) this.abort('silent');
  }

  /** What the handler has reported since the last beat; undefined when nothing. */
  takeProgress(): unknown {
    const progress = this.#progress;
    this.#progress = undefined;
    return progress;
  }

  async work(handler: Handler): Promise<EndingFrame> {
    try {
      // The definition says what a handler gets; its author says what it takes.
      const result = await handler(this.task.input as never, this.#context());
      if (this.reason === 'lease-lost') return this.#returned();
      return { ...this.lease, outcome: 'succeeded', result: result ?? null };
    } catch (error) {
      return this.#failed(error);
    }
  }

  fail(details: StepError): EndingFrame {
    const { code, hint, retryable } = details;
    const error = {
      class: details.class,
      message: details.message.slice(0, errorTextMax),
      code: codePattern.test(code) ? code : 'STEP_FAILED',
      retryable,
      ...(hint === undefined ? {} : { hint: hint.slice(0, hintTextMax) }),
    };
    return { ...this.lease, outcome: 'failed', error };
  }

  giveBack(message: string): EndingFrame {
    return { ...this.lease, outcome: 'returned', error: { class: 'unavailable', message } };
  }

  #returned(): EndingFrame {
    return this.giveBack(this.reason === 'draining' ? 'the worker stops' : 'the lease was lost');
  }

  #failed(error: unknown): EndingFrame {
    const { reason } = this;
    if (reason === 'lease-lost' || reason === 'draining') return this.#returned();
    if (reason === 'stopped') return { ...this.lease, outcome: 'cancelled' };
    if (reason === 'timeout') {
      const message = `the handler took longer than the ${this.task.deadlineMs} ms that the attempt had`;
      const hint = "raise the step's timeouts.attemptSeconds, or see where the time goes";
      return this.fail(new StepError(message, { class: 'timeout', code: 'STEP_TIMEOUT', hint }));
    }
    if (reason === 'silent') {
      const message = `the handler gave no heartbeat for ${this.task.heartbeatMs} ms`;
      const hint = "call context.heartbeat more often, or raise the step's timeouts.heartbeatSeconds";
      return this.fail(new StepError(message, { class: 'timeout', code: 'HEARTBEAT_MISSED', hint }));
    }
    if (error instanceof StepError) return this.fail(error);
    return this.fail(new StepError(error instanceof Error ? error.message : String(error)));
  }

  #context(): HandlerContext {
    const { run, ref, fence, step, workflow, tenant, attempt } = this.task;
    const { write } = this.#deps;
    return {
      ...{ run, step, workflow, tenant, attempt, fence, signal: this.signal },
      idempotencyKey: `${run}/${ref}`,
      heartbeat: (progress = null) => {
        const text = JSON.stringify(progress) as string | undefined;
        if (text === undefined || Buffer.byteLength(text) > progressBytesMax) {
          const hint = 'report a number or a short text; what is large belongs into the result';
          const message = `the progress is no JSON of at most ${progressBytesMax} bytes`;
          throw new StepError(message, { code: 'PROGRESS_INVALID', retryable: false, hint });
        }
        this.#progress = JSON.parse(text) as unknown;
        this.#heardAtMs = this.#deps.nowMs();
      },
      log: (message, fields = {}) => write(message, { run, step, attempt, fence, ...fields }),
    };
  }
}
