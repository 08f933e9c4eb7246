import { randomUUID } from 'node:crypto';
import { createJobs, type Jobs, type JobView, type Progress } from '@orrery/kit/jobs';
import type { Log } from '@orrery/kit/log';
import { jobUnknown } from './errors.ts';

export interface SpanJobsOptions {
  readonly path: string;
  readonly log: Log;
  readonly runningMax: number;
}

/**
 * Jobs over a span of days. The same span asked for while it runs is the same job; asked for later it is another one, since the
 * data may have changed, and finds out by itself what it can reuse.
 */
export class SpanJobs {
  private readonly jobs: Jobs;
  private readonly latest = new Map<string, string>();

  constructor(options: SpanJobsOptions) {
    this.jobs = createJobs(options);
  }

  start(
    span: { readonly tenant: string; readonly from: string; readonly to: string },
    work: (report: (progress: Progress) => void, signal: AbortSignal) => Promise<unknown>,
  ): JobView {
    const key = [span.tenant, span.from, span.to].join('.');
    const running = this.jobs.view(this.latest.get(key) ?? '');
    if (running?.state === 'running') return running;
    const id = `${key}.${randomUUID().slice(0, 8)}`;
    const view = this.jobs.start(id, work);
    this.latest.set(key, id);
    for (const [other, job] of this.latest) if (this.jobs.view(job)?.state !== 'running') this.latest.delete(other);
    return view;
  }

  /** Throws `JOB_UNKNOWN`, also for another tenant's. */
  view(tenant: string, id: string): JobView {
    const view = id.startsWith(`${tenant}.`) ? this.jobs.view(id) : undefined;
    if (view === undefined) throw jobUnknown(id);
    return view;
  }

  async stop(): Promise<void> {
    await this.jobs.stop();
  }
}
