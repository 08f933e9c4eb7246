import { messageOf, OrreryError } from './errors.ts';
import type { Log } from './log.ts';

export interface Progress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
}

export interface JobView {
  readonly id: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly location: string;
  readonly progress?: Progress;
  readonly result?: unknown;
  readonly error?: { code: string; message: string; hint: string; retryable: boolean };
}

export interface Jobs {
  /** Starts the work, or returns the job of that id when it runs or (as a rule) has succeeded: starting twice does it once. */
  start(id: string, work: (report: (progress: Progress) => void, signal: AbortSignal) => Promise<unknown>): JobView;
  view(id: string): JobView | undefined;
  /** Aborts what runs and waits for it. */
  stop(): Promise<void>;
}

export interface JobsOptions {
  readonly path: string;
  readonly log: Log;
  readonly runningMax: number;
  /**
   * Default false: a success is final and answered from memory. True: asked for again, the job works again, for work that looks up
   * what is durable rather than doing it twice.
   */
  readonly repeatSucceeded?: boolean;
}

const jobsKeptMax = 1000;

/**
 * Long work behind an API, kept in memory: after a restart the caller's poll gets 404, it posts again, and the work, which must be
 * idempotent, goes on from what it had made durable.
 */
export function createJobs(options: JobsOptions): Jobs {
  const views = new Map<string, JobView>();
  const running = new Map<string, Promise<void>>();
  const abort = new AbortController();

  const update = (id: string, change: Partial<JobView>) => {
    const view = views.get(id);
    if (view !== undefined) views.set(id, { ...view, ...change });
  };

  return {
    start(id, work) {
      const known = views.get(id);
      const repeat = known?.state === 'failed' || (known?.state === 'succeeded' && options.repeatSucceeded === true);
      if (known !== undefined && !repeat) return known;
      if (running.size >= options.runningMax) {
        throw new OrreryError({
          code: 'JOBS_BUSY',
          message: `${running.size} jobs run, the bound is ${options.runningMax}`,
          hint: 'try again when one has ended',
          retry: 'retryable',
          status: 429,
        });
      }
      const view: JobView = { id, state: 'running', location: `${options.path}/${encodeURIComponent(id)}` };
      views.delete(id);
      views.set(id, view);
      forgetOldest(views, running);
      const done = work((progress) => update(id, { progress }), abort.signal)
        .then((result) => update(id, { state: 'succeeded', result }))
        .catch((error: unknown) => {
          options.log.warn({ job: id, err: error }, 'job failed');
          update(id, { state: 'failed', error: describe(error) });
        })
        .finally(() => running.delete(id));
      running.set(id, done);
      return view;
    },
    view: (id) => views.get(id),
    async stop() {
      abort.abort();
      await Promise.all(running.values());
    },
  };
}

function forgetOldest(views: Map<string, JobView>, running: Map<string, Promise<void>>): void {
  for (const id of views.keys()) {
    if (views.size <= jobsKeptMax) return;
    if (!running.has(id)) views.delete(id);
  }
}

function describe(error: unknown): NonNullable<JobView['error']> {
  if (error instanceof OrreryError) {
    return { code: error.code, message: error.message, hint: error.hint, retryable: error.retry === 'retryable' };
  }
  return { code: 'JOB_FAILED', message: messageOf(error), hint: "see the service's log", retryable: true };
}
