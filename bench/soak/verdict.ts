import { median } from '../orchestrator/measure.ts';
import type { LogAudit } from './log-audit.ts';
import type { Sample, StateSize } from './samples.ts';

export interface Finding {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

export interface Soaked {
  readonly before: StateSize;
  readonly after: StateSize;
  readonly samples: readonly Sample[];
  readonly audit: LogAudit;
  readonly taken: number;
  /** Shares and leases that are still held. */
  readonly held: number;
  readonly leases: number;
}

/** The log's counters and the like stay for ever, one of each. */
const keysMoreMax = 12;
const stateMoreMiBMax = 2;
/** Of the median of the last third above that of the middle one: the first third is warming up. */
const growthShareMax = 0.3;
/** Of the least that was held in the last third above that of the middle one: what collections leave. */
const floorMoreMiBMax = 8;

const miB = (bytes: number) => bytes / 1024 / 1024;

export function judge({ before, after, samples, audit, taken, held, leases }: Soaked): Finding[] {
  const states = [...audit.runs.values()];
  const count = (state: string) => states.filter((each) => each === state).length;
  const moreMiB = miB(after.bytes - before.bytes);
  const grown = [...new Set([...Object.keys(after.families), ...Object.keys(before.families)])]
    .map((family) => [family, (after.families[family] ?? 0) - (before.families[family] ?? 0)] as const)
    .filter(([, more]) => more !== 0)
    .map(([family, more]) => `${family} ${more > 0 ? '+' : ''}${more}`);
  const lost = audit.holes + audit.forks.length + audit.sequenceFaults.length;
  const again = audit.lapses.filter(({ takenAgainAtMs }) => takenAgainAtMs === undefined).length;
  return [
    {
      what: 'every run ended well',
      found: `${count('succeeded')} of ${states.length} (${taken} were asked for, the others are their children)`,
      holds: states.length >= taken && count('succeeded') === states.length,
    },
    { what: 'the log has no gap and no fork', found: `${lost} in ${audit.entries} entries`, holds: lost === 0 },
    { what: 'no result was accepted twice', ...nothing(audit.acceptedTwice.length) },
    { what: 'every lost lease was taken again', found: `${again} of ${audit.lapses.length} not`, holds: again === 0 },
    { what: 'no slot and no lease is left', ...nothing(held + leases) },
    {
      what: 'keys are back to their start',
      found: `${before.keys} -> ${after.keys} (${grown.join(', ') || 'the same'}), and ${after.expiring} that expire`,
      holds: after.keys - before.keys <= keysMoreMax,
    },
    {
      what: 'the memory of the state is back',
      found: `${miB(before.bytes).toFixed(1)} -> ${miB(after.bytes).toFixed(1)} MiB`,
      holds: moreMiB <= stateMoreMiBMax,
    },
    floor(samples),
    growth('memory of the orchestrator that was never killed is flat', samples, (each) => each.orchestratorMiB[0]),
    growth('memory of the worker that was never killed is flat', samples, (each) => each.workerMiB[0]),
  ];
}

const nothing = (found: number) => ({ found: String(found), holds: found === 0 });

function floor(samples: readonly Sample[]): Finding {
  const values = samples.map(({ oldSpaceMiB }) => oldSpaceMiB).filter((value) => !Number.isNaN(value));
  const third = Math.floor(values.length / 3);
  const [middle, last] = [Math.min(...values.slice(third, 2 * third)), Math.min(...values.slice(2 * third))];
  const found = `at least ${middle.toFixed(1)} -> ${last.toFixed(1)} MiB after a collection`;
  return {
    what: 'the heap of the orchestrator that was never killed',
    found,
    holds: !(last - middle > floorMoreMiBMax),
  };
}

function growth(what: string, samples: readonly Sample[], of: (sample: Sample) => number | undefined): Finding {
  const values = samples.map((sample) => of(sample) ?? NaN).filter((value) => !Number.isNaN(value));
  const third = Math.floor(values.length / 3);
  const [middle, last] = [median(values.slice(third, 2 * third)), median(values.slice(2 * third))];
  const share = (last - middle) / middle;
  const found = `${middle.toFixed(0)} -> ${last.toFixed(0)} MiB (${(share * 100).toFixed(1)} %)`;
  return { what, found, holds: !(share > growthShareMax) };
}

export function describeSample({ atSeconds, runs, ...size }: Sample): string {
  const cells = [
    ...[
      `${atSeconds}`,
      `${runs}`,
      `${size.keys}`,
      `${size.expiring}`,
      miB(size.bytes).toFixed(1),
      miB(size.usedBytes).toFixed(1),
    ],
    ...[...size.orchestratorMiB, ...size.workerMiB].map((value) => value.toFixed(0)),
    size.oldSpaceMiB.toFixed(0),
    size.loopDelayMs.toFixed(1),
  ];
  return cells.map((cell) => cell.padStart(10)).join('');
}

export const sampleHead = [
  's',
  'runs',
  'keys',
  'state MiB',
  'Redis MiB',
  'orch 1',
  'orch 2',
  'work 1',
  'work 2',
  'old 1',
  'lag p99',
]
  .map((cell) => cell.padStart(10))
  .join('');
