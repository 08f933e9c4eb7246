import type { Workflow } from './workflow.ts';

type Startable = Pick<Workflow, 'name' | 'tenant' | 'triggers'>;

/** One of several workflows, by its place in their list, with the trigger by which another of them starts it. */
export interface Started {
  readonly workflow: number;
  readonly trigger: number;
}

interface Starts {
  /** By workflow: who starts it, and by which of its triggers. */
  readonly starters: readonly (readonly { readonly by: number; readonly trigger: number }[])[];
  /** By workflow: those that it starts, once for each trigger. */
  readonly started: readonly (readonly number[])[];
}

/**
 * Workflows that start each other by their ends: each run would be followed by another, without an end. Of each cycle the one that
 * stands first in the list, then whom it starts, and so on round; the last starts the first. Cycles have no workflow in common: with
 * the first of two that do, the other may be gone.
 */
export function findStartCycles(workflows: readonly Startable[], most: number): Started[][] {
  const starts = startsOf(workflows);
  const left = new Set(workflows.keys());
  const awaited = starts.starters.map(({ length }) => length);
  const rest: Remainder = { starts, left, awaited };
  const cycles: Started[][] = [];
  let gone = [...left].filter((workflow) => awaited[workflow] === 0);
  for (;;) {
    leaveOut(gone, rest);
    const [first] = left;
    if (first === undefined || cycles.length >= most) return cycles;
    const cycle = walk(first, starts, left);
    cycles.push(cycle);
    gone = cycle.map(({ workflow }) => workflow);
  }
}

interface Remainder {
  readonly starts: Starts;
  readonly left: Set<number>;
  /** By workflow: triggers whose starter is left. */
  readonly awaited: number[];
}

/** These, and whom nobody starts then: who is started by nobody that is left is in no cycle. */
function leaveOut(gone: number[], { starts, left, awaited }: Remainder): void {
  for (let next = gone.pop(); next !== undefined; next = gone.pop()) {
    if (!left.delete(next)) continue;
    for (const child of starts.started[next] ?? []) {
      const still = (awaited[child] ?? 0) - 1;
      awaited[child] = still;
      if (still === 0) gone.push(child);
    }
  }
}

function startsOf(workflows: readonly Startable[]): Starts {
  const places = new Map<string, number>();
  for (const [index, { tenant, name }] of workflows.entries()) {
    const place = placeOf(tenant, name);
    if (!places.has(place)) places.set(place, index);
  }
  const started: number[][] = workflows.map(() => []);
  const starters = workflows.map(({ tenant, triggers }, index) =>
    triggers.flatMap((trigger, at) => {
      const by = 'workflow' in trigger ? places.get(placeOf(tenant, trigger.workflow)) : undefined;
      if (by === undefined) return [];
      started[by]?.push(index);
      return [{ by, trigger: at }];
    }),
  );
  return { starters, started };
}

/** From whoever is left to who starts it, until one comes again. */
function walk(first: number, { starters }: Starts, left: ReadonlySet<number>): Started[] {
  const seen = new Map<number, number>();
  const chain: Started[] = [];
  let at = first;
  while (!seen.has(at)) {
    const starter = starters[at]?.find(({ by }) => left.has(by));
    if (starter === undefined) break;
    seen.set(at, chain.length);
    chain.push({ workflow: at, trigger: starter.trigger });
    at = starter.by;
  }
  // Each is started by the one after it: the other way round each starts the next.
  const cycle = chain.slice(seen.get(at)).reverse();
  const least = Math.min(...cycle.map(({ workflow }) => workflow));
  const start = cycle.findIndex(({ workflow }) => workflow === least);
  return [...cycle.slice(start), ...cycle.slice(0, start)];
}

/** A workflow sees those of its tenant alone; without one it is of `main`. */
function placeOf(tenant: string | undefined, name: string): string {
  return `${tenant ?? 'main'}/${name}`;
}
