import { digestOf } from '@orrery/contracts/digest';
import type { Clock } from '@orrery/kit/clock';
import { createJobs, type Jobs, type JobView } from '@orrery/kit/jobs';
import type { Log } from '@orrery/kit/log';
import type { Database } from './database.ts';
import { inspectDataset, type DatasetFile, type Datasets } from './dataset-file.ts';
import type { LoadedPipeline } from './definitions.ts';
import { filesEqual, unknownRun } from './errors.ts';
import type { IngestMetrics } from './metrics.ts';
import { runPipeline, type RunResult } from './pipeline-run.ts';
import type { RunRequest } from './run-plan.ts';

export interface RunsOptions {
  readonly pipelines: readonly LoadedPipeline[];
  readonly datasets: Datasets;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: IngestMetrics;
  /** Calls of one run, until the signal aborts. */
  readonly openDatabase: (pipeline: string, signal: AbortSignal) => Database;
}

export interface Runs {
  start(pipeline: LoadedPipeline, options: { actor: string; again: boolean }): Promise<JobView>;
  view(pipeline: LoadedPipeline, id: string): JobView;
  stop(): Promise<void>;
}

/** Runs of all pipelines, one at a time each. The id of a run follows from the definition and the files: asked twice, it runs once. */
export function createRuns(options: RunsOptions): Runs {
  const jobs = new Map<LoadedPipeline, Jobs>();
  for (const pipeline of options.pipelines) {
    const path = `/v1/pipelines/${pipeline.definition.name}/runs`;
    jobs.set(pipeline, createJobs({ path, log: options.log, runningMax: 1, repeatSucceeded: true }));
  }
  const jobsOf = (pipeline: LoadedPipeline): Jobs => {
    const found = jobs.get(pipeline);
    if (found === undefined) throw new Error(`the pipeline ${pipeline.definition.name} was not loaded`);
    return found;
  };
  return {
    async start(pipeline, { actor, again }) {
      const { definition, digest, tenant } = pipeline;
      const files = await inspectAll(definition.source.files, options.datasets);
      const lookupFiles = await inspectAll(definition.lookups ?? [], options.datasets);
      assertDifferent(files);
      const digests = [...files, ...lookupFiles].map((file) => file.digest);
      const id = `${definition.name}-${digestOf('data', { tenant, digest, digests }).slice('sha256:'.length, 23)}`;
      const request: RunRequest = { pipeline: definition, tenant, actor, files, lookupFiles, again };
      return jobsOf(pipeline).start(id, (report, signal) => run(request, { ...options, report, signal }));
    },
    view(pipeline, id) {
      const view = jobsOf(pipeline).view(id);
      if (view === undefined) throw unknownRun(id);
      return view;
    },
    async stop() {
      await Promise.all([...jobs.values()].map((pipelineJobs) => pipelineJobs.stop()));
    },
  };
}

async function run(
  request: RunRequest,
  options: RunsOptions & { report: Parameters<Parameters<Jobs['start']>[1]>[0]; signal: AbortSignal },
): Promise<RunResult> {
  const { metrics, log, clock, report, signal } = options;
  const pipeline = request.pipeline.name;
  const database = options.openDatabase(pipeline, signal);
  metrics.running.inc({ pipeline });
  try {
    const result = await runPipeline(request, { database, log, clock, metrics, report, signal });
    metrics.runs.inc({ pipeline, outcome: result.reused ? 'reused' : 'written' });
    log.info({ ...result }, 'run ended');
    return result;
  } catch (error) {
    metrics.runs.inc({ pipeline, outcome: 'failed' });
    throw error;
  } finally {
    metrics.running.dec({ pipeline });
  }
}

async function inspectAll(named: readonly { dataset: string }[], datasets: Datasets): Promise<DatasetFile[]> {
  const files: DatasetFile[] = [];
  for (const { dataset } of named) files.push(await inspectDataset(dataset, datasets));
  return files;
}

/** A row is known by its file and its number: two datasets of the same bytes would hold each row twice under one name. */
function assertDifferent(files: readonly DatasetFile[]): void {
  for (const [index, file] of files.entries()) {
    const earlier = files.findIndex((other) => other.digest === file.digest);
    if (earlier < index) throw filesEqual(files[earlier]?.dataset ?? '', file.dataset);
  }
}
