import { median, total } from './measure.ts';
import type { Sample } from './round.ts';
import { unitsOf, type Workload } from './workloads.ts';

/** One sentence that the orchestrator is held to. */
export interface Goal {
  readonly what: string;
  readonly found: number;
  readonly met: boolean;
}

export interface Figures {
  readonly wallMs: number;
  readonly submitMs: number;
  readonly unitsPerSecond: number;
  readonly unitsPerCpuSecond: number;
  readonly cpuMsPerUnit: number;
  readonly longestMs: number;
  readonly p99: (name: string) => number;
}

/** The medians over the rounds of one engine. */
export function figuresOf(samples: readonly Sample[], workload: Workload): Figures {
  const { count } = unitsOf(workload);
  const wallMs = median(samples.map((sample) => sample.wallMs));
  const cpuMs = median(samples.map((sample) => total(sample.cpuMs)));
  return {
    wallMs,
    submitMs: median(samples.map((sample) => sample.submitMs)),
    unitsPerSecond: (count * 1000) / wallMs,
    unitsPerCpuSecond: (count * 1000) / cpuMs,
    cpuMsPerUnit: cpuMs / count,
    longestMs: Math.max(...samples.map((sample) => sample.calls?.longestMs ?? NaN)),
    p99: (name) => median(samples.map((sample) => sample.latencies[name]?.p99 ?? NaN)),
  };
}

const callMsMax = 5;
const besideAloneMs = 25;
const cpuRatioLeast = 5;
const wallRatioLeast = 3;

/** What ours is held to on this workload; the ratios only where the peer was measured in the same run. */
export function judgeGoals(workload: Workload, ours: Figures, peer: Figures | undefined): Goal[] {
  const atLeast = (what: string, found: number, least: number): Goal => ({ what, found, met: found >= least });
  const atMost = (what: string, found: number, most: number): Goal => ({ what, found, met: found <= most });
  const ratios =
    peer === undefined
      ? []
      : [
          atLeast(
            'work per CPU second, ours / BullMQ: at least 5',
            ours.unitsPerCpuSecond / peer.unitsPerCpuSecond,
            cpuRatioLeast,
          ),
          atLeast(
            'wall throughput, ours / BullMQ: at least 3',
            ours.unitsPerSecond / peer.unitsPerSecond,
            wallRatioLeast,
          ),
        ];
  const calls = atMost('longest Redis call, ms: at most 5', ours.longestMs, callMsMax);
  switch (workload.kind) {
    case 'fan-out':
      return [
        ...ratios,
        atLeast('tasks a second: at least 10,000 on a quiet machine', ours.unitsPerSecond, 10_000),
        calls,
      ];
    case 'chain':
      return [...ratios, atMost('ms a step: at most 1 on a quiet machine', 1000 / ours.unitsPerSecond, 1), calls];
    case 'diamonds':
      return [
        ...ratios,
        atLeast('steps a second: at least 6,000 on a quiet machine', ours.unitsPerSecond, 6000),
        calls,
      ];
    case 'start':
      return [atMost('p99 start, ms: at most 15 on a quiet machine', ours.p99('start'), 15), calls];
    case 'neighbour': {
      const over = ours.p99('behind') - ours.p99('alone');
      return [atMost('p99 start behind the neighbour less alone, ms: at most 25', over, besideAloneMs), calls];
    }
    case 'schedules':
      return [atMost('p99 of the fire lag, ms: at most 250 on a quiet machine', ours.p99('lag'), 250), calls];
    case 'wide':
      return [atMost('handed in within 3,000 ms on a quiet machine', ours.submitMs, 3000), calls];
  }
}
