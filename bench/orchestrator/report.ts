import type { EngineName } from './engines/types.ts';
import { figuresOf, judgeGoals, type Figures } from './goals.ts';
import { median, roles, type CpuMs } from './measure.ts';
import { slowUs, type Calls } from './redis.ts';
import type { Sample } from './round.ts';
import { describeWorkload, unitsOf, type Workload } from './workloads.ts';

export interface Heading {
  readonly redis: string;
  readonly node: string;
  readonly cores: number;
  readonly fsync: string;
  readonly load: number;
  readonly workers: number;
  readonly slots: number;
  /** Undefined where BullMQ is not measured. */
  readonly peerOutbox: boolean | undefined;
}

export function formatHeading({ redis, node, cores, fsync, load, workers, slots, peerOutbox }: Heading): string {
  const peer = peerOutbox === undefined ? '' : `, BullMQ ${peerOutbox ? 'with one as well' : 'without one'}`;
  return [
    `redis ${redis} with appendfsync ${fsync}, node ${node}, ${cores} cores, load average ${load.toFixed(1)} before`,
    `${workers} worker process(es), ${slots} steps at the same time; results kept, failures tried again; ours with an outbox that a relay publishes${peer}`,
    'rounds are taken in turn and the median is shown; machines are shared and noisy, so judge by CPU per unit before wall time',
    '',
  ].join('\n');
}

/** The block of one workload: a line an engine, then what was looked at, then ours against the peer. */
export function formatBlock(workload: Workload, samples: readonly Sample[]): string {
  const { unit } = unitsOf(workload);
  const engines = [...new Set(samples.map((sample) => sample.engine))];
  const of = (engine: EngineName) => samples.filter((sample) => sample.engine === engine);
  const columns = [`wall ms`, `submit ms`, `${unit}s/s`, `CPU ms/${unit}`, ...roles, 'longest call', 'load'];
  if (engines.length === 0) return `${describeWorkload(workload)}\n  nothing was measured\n`;
  const lines = [describeWorkload(workload), formatRow('', columns)];
  for (const engine of engines) lines.push(formatEngine(engine, of(engine), workload));
  for (const engine of engines) lines.push(...formatLatencies(engine, of(engine)));
  for (const engine of engines) lines.push(...formatRemarks(engine, of(engine)));
  const ours = figuresOf(of('orrery'), workload);
  const peer = engines.includes('bullmq') ? figuresOf(of('bullmq'), workload) : undefined;
  if (engines.includes('orrery')) lines.push(...formatGoals(workload, ours, peer));
  return `${lines.join('\n')}\n`;
}

const dearestShown = 2;
const widths = [9, 10, 9, 12, 8, 8, 8, 8, 34, 6];

function formatRow(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(10)}${cells.map((cell, place) => cell.padStart((widths[place] ?? 8) + 1)).join('')}`.trimEnd();
}

function formatEngine(engine: EngineName, samples: readonly Sample[], workload: Workload): string {
  const figures = figuresOf(samples, workload);
  const { count } = unitsOf(workload);
  const share = (role: keyof CpuMs) => median(samples.map((sample) => sample.cpuMs[role])) / count;
  return formatRow(engine, [
    figures.wallMs.toFixed(0),
    figures.submitMs.toFixed(0),
    figures.unitsPerSecond.toFixed(0),
    figures.cpuMsPerUnit.toFixed(3),
    ...roles.map((role) => share(role).toFixed(3)),
    formatLongest(samples.map((sample) => sample.calls)),
    median(samples.map((sample) => sample.load)).toFixed(1),
  ]);
}

function formatLongest(calls: readonly (Calls | undefined)[]): string {
  const found = calls.flatMap((each) => each ?? []);
  if (found.length === 0) return '-';
  const longest = found.reduce((left, right) => (right.longestMs > left.longestMs ? right : left), found[0] ?? none);
  return longest.longestMs === 0 ? '< 0.5 ms' : `${longest.longestMs.toFixed(1)} ms ${longest.longestName}`;
}

const none: Calls = {
  ...{ longestMs: 0, longestName: '', slow: 0, boundMs: 0, boundName: '', preempted: 0, commands: [] },
};

function formatLatencies(engine: EngineName, samples: readonly Sample[]): string[] {
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.latencies)))];
  return names.map((name) => {
    const of = (field: 'p50' | 'p99' | 'most') =>
      median(samples.map((sample) => sample.latencies[name]?.[field] ?? NaN)).toFixed(1);
    const count = samples[0]?.latencies[name]?.count ?? 0;
    return `  ${engine.padEnd(10)} ${name}: p50 ${of('p50')} ms, p99 ${of('p99')} ms, most ${of('most')} ms, of ${count}`;
  });
}

function formatRemarks(engine: EngineName, samples: readonly Sample[]): string[] {
  const remark = samples[0]?.remark ?? '';
  const broken = samples.flatMap((sample) => sample.checks.filter((check) => !check.holds));
  const kept = [...new Set(samples.flatMap((sample) => sample.checks.map((check) => check.what)))];
  const calls = samples.flatMap((sample) => sample.calls ?? []);
  const of = (name: string, values: readonly (string | number)[]) => `${name} ${values.join(', ')}`;
  const words = [
    of(
      `calls over ${slowUs / 1000} ms:`,
      calls.map((each) => each.slow),
    ),
    of(
      'bound by LATENCY HISTOGRAM:',
      calls.map((each) => `${each.boundMs.toFixed(1)} ms ${each.boundName}`),
    ),
    of(
      'Redis preempted:',
      calls.map((each) => each.preempted),
    ),
    of('dearest commands:', (calls[0]?.commands ?? []).slice(0, dearestShown).map(formatCommand)),
  ];
  return [
    ...(remark === '' ? [] : [`  ${engine.padEnd(10)} ${remark}`]),
    ...(calls.length === 0 ? [] : [`  ${engine.padEnd(10)} ${words.join('; ')}`]),
    broken.length === 0
      ? `  ${engine.padEnd(10)} held: ${kept.join('; ')}`
      : `  ${engine.padEnd(10)} BROKEN: ${broken.map(({ what, found }) => `${what} (${found})`).join('; ')}`,
  ];
}

function formatCommand({ name, calls, meanUs }: Calls['commands'][number]): string {
  return `${name} ${calls} x ${meanUs.toFixed(0)} us`;
}

function formatGoals(workload: Workload, ours: Figures, peer: Figures | undefined): string[] {
  return judgeGoals(workload, ours, peer).map(
    ({ what, found, met }) => `  ${met ? 'met    ' : 'NOT MET'} ${what}: ${found.toPrecision(3)}`,
  );
}
