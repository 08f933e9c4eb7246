import { loadavg } from 'node:os';
import type { Check, Engine, EngineName, EngineOptions } from './engines/types.ts';
import { Meter, percentile, subtract, type CpuMs } from './measure.ts';
import type { Calls } from './redis.ts';
import type { Workload } from './workloads.ts';

/** What one engine gave on one workload in one round. */
export interface Sample {
  readonly engine: EngineName;
  readonly version: string;
  readonly remark: string;
  readonly wallMs: number;
  readonly submitMs: number;
  readonly cpuMs: CpuMs;
  /** name -> percentiles in ms. */
  readonly latencies: Readonly<Record<string, Latency>>;
  readonly checks: readonly Check[];
  readonly calls: Calls | undefined;
  readonly load: number;
}

export interface Latency {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

/** Starts the engine, warms it up, measures, waits for what is left behind the work, and ends it. */
export async function measureRound(
  create: (options: EngineOptions) => Engine,
  options: Omit<EngineOptions, 'meter'>,
  { workload, warmUp }: { readonly workload: Workload; readonly warmUp: Workload | undefined },
): Promise<Sample> {
  const meter = new Meter();
  const engine = create({ ...options, meter });
  const lacks = engine.lacks(workload.kind);
  if (lacks !== undefined) throw new Error(lacks);
  try {
    await engine.start(warmUp === undefined ? [workload] : [workload, warmUp]);
    if (warmUp !== undefined) {
      await engine.run(warmUp);
      await engine.settle();
    }
    await engine.redis?.forgetCalls();
    const before = meter.read();
    const { samples, ...outcome } = await engine.run(workload);
    await engine.settle();
    const cpuMs = subtract(meter.read(), before);
    const calls = await engine.redis?.calls();
    const audited = await engine.audit();
    return {
      ...{ engine: engine.name, version: engine.version, remark: engine.remark(workload.kind), cpuMs, calls },
      ...{ wallMs: outcome.wallMs, submitMs: outcome.submitMs, load: loadavg()[0] ?? NaN },
      checks: [...outcome.checks, ...audited],
      latencies: Object.fromEntries(
        Object.entries(samples).flatMap(([name, values]) => (values.length === 0 ? [] : [[name, summarise(values)]])),
      ),
    };
  } finally {
    await engine.stop();
  }
}

function summarise(values: readonly number[]): Latency {
  const at = (p: number) => percentile(values, p);
  return { count: values.length, p50: at(0.5), p99: at(0.99), most: at(1) };
}
