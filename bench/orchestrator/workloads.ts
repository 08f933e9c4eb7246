/** One workload, free of any engine: the sizes, which every engine carries out as its own users would write it. */
export type Workload =
  /** One run: `tasks` that do nothing, and a join that reads all their results. */
  | { readonly kind: 'fan-out'; readonly tasks: number }
  /** One run: `steps` that do nothing, each after the one before. */
  | { readonly kind: 'chain'; readonly steps: number }
  /** `runs` at once, each a source, `wide` steps after it, and a sink that reads their results. */
  | { readonly kind: 'diamonds'; readonly runs: number; readonly wide: number }
  /** Runs of one step at planned instants, whether or not earlier ones have ended. */
  | { readonly kind: 'start'; readonly perSecond: number; readonly seconds: number }
  /** The same for a small tenant, alone and then behind a neighbour's backlog. */
  | Neighbour
  /** `schedules` that fire once in `everySeconds`, spread over them, while what fires them is killed. */
  | Schedules
  /** One run of `layers` times `columns` steps; each step needs two of the layer before. */
  | { readonly kind: 'wide'; readonly layers: number; readonly columns: number };

export interface Neighbour {
  readonly kind: 'neighbour';
  readonly backlog: number;
  readonly taskMs: number;
  readonly slots: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Schedules {
  readonly kind: 'schedules';
  readonly schedules: number;
  readonly everySeconds: number;
  readonly orchestrators: number;
  readonly killEveryMs: number;
}

export type Kind = Workload['kind'];

export interface Plan {
  readonly workload: Workload;
  /** Carried out before the measured one, so that no engine is measured while its code is still cold. */
  readonly warmUp: Workload | undefined;
  readonly rounds: number;
}

export const kinds: readonly Kind[] = ['fan-out', 'chain', 'diamonds', 'start', 'neighbour', 'schedules', 'wide'];

const full: Readonly<Record<Kind, Plan>> = {
  'fan-out': twice({ kind: 'fan-out', tasks: 10_000 }, 3),
  chain: twice({ kind: 'chain', steps: 1000 }, 3),
  diamonds: twice({ kind: 'diamonds', runs: 1000, wide: 8 }, 3),
  start: {
    workload: { kind: 'start', perSecond: 100, seconds: 20 },
    warmUp: { kind: 'start', perSecond: 100, seconds: 2 },
    rounds: 3,
  },
  neighbour: {
    workload: { kind: 'neighbour', backlog: 100_000, taskMs: 5, slots: 20, perSecond: 20, seconds: 15 },
    warmUp: undefined,
    rounds: 1,
  },
  schedules: {
    workload: { kind: 'schedules', schedules: 10_000, everySeconds: 60, orchestrators: 3, killEveryMs: 6000 },
    warmUp: undefined,
    rounds: 1,
  },
  wide: { workload: { kind: 'wide', layers: 100, columns: 1000 }, warmUp: undefined, rounds: 1 },
};

const quick: Readonly<Record<Kind, Plan>> = {
  'fan-out': twice({ kind: 'fan-out', tasks: 1000 }, 1),
  chain: twice({ kind: 'chain', steps: 200 }, 1),
  diamonds: twice({ kind: 'diamonds', runs: 100, wide: 8 }, 1),
  start: {
    workload: { kind: 'start', perSecond: 100, seconds: 4 },
    warmUp: { kind: 'start', perSecond: 100, seconds: 1 },
    rounds: 1,
  },
  neighbour: {
    workload: { kind: 'neighbour', backlog: 15_000, taskMs: 5, slots: 20, perSecond: 20, seconds: 3 },
    warmUp: undefined,
    rounds: 1,
  },
  schedules: {
    workload: { kind: 'schedules', schedules: 500, everySeconds: 10, orchestrators: 3, killEveryMs: 3000 },
    warmUp: undefined,
    rounds: 1,
  },
  wide: { workload: { kind: 'wide', layers: 50, columns: 100 }, warmUp: undefined, rounds: 1 },
};

/** Short work is done once before it is measured: of a second's work, half would go by before the code is compiled. */
function twice(workload: Workload, rounds: number): Plan {
  return { workload, warmUp: workload, rounds };
}

export function planOf(kind: Kind, size: 'full' | 'quick'): Plan {
  return size === 'quick' ? quick[kind] : full[kind];
}

/** What one workload is divided by for a figure per unit. */
export function unitsOf(workload: Workload): { readonly count: number; readonly unit: string } {
  switch (workload.kind) {
    case 'fan-out':
      return { count: workload.tasks + 1, unit: 'task' };
    case 'chain':
      return { count: workload.steps, unit: 'step' };
    case 'diamonds':
      return { count: workload.runs * (workload.wide + 2), unit: 'step' };
    case 'start':
      return { count: workload.perSecond * workload.seconds, unit: 'run' };
    case 'neighbour':
      return { count: workload.backlog + 2 * workload.perSecond * workload.seconds, unit: 'task' };
    case 'schedules':
      return { count: workload.schedules, unit: 'run' };
    case 'wide':
      return { count: workload.layers * workload.columns, unit: 'step' };
  }
}

const format = new Intl.NumberFormat('en-US');
const number = (value: number) => format.format(value);

export function describeWorkload(workload: Workload): string {
  switch (workload.kind) {
    case 'fan-out':
      return `fan-out: ${number(workload.tasks)} tasks, and a join that reads all results`;
    case 'chain':
      return `chain: ${number(workload.steps)} steps, each after the one before`;
    case 'diamonds':
      return `diamonds: ${number(workload.runs)} runs of ${workload.wide + 2} steps, ${workload.wide} wide`;
    case 'start':
      return `start: ${workload.perSecond} runs a second for ${workload.seconds} s`;
    case 'neighbour':
      return (
        `neighbour: a small tenant's ${workload.perSecond} runs a second for ${workload.seconds} s behind ` +
        `${number(workload.backlog)} tasks of ${workload.taskMs} ms at ${workload.slots} slots`
      );
    case 'schedules':
      return (
        `schedules: ${number(workload.schedules)}, each once in ${workload.everySeconds} s, under ` +
        `${workload.orchestrators} processes; every ${workload.killEveryMs / 1000} s one is killed by kill -9`
      );
    case 'wide':
      return (
        `wide: one run of ${number(workload.layers * workload.columns)} steps, ${workload.layers} layers of ` +
        `${number(workload.columns)}, each step after two of the layer before`
      );
  }
}
