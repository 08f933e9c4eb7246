import type { Step } from './workflow-steps.ts';

/** Edges from each step to others, in one array: a workflow may have many more of them than steps. */
export interface Edges {
  /** Where the edges of step i begin; one more than there are steps. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Names, needs and an order of steps in which needs come first. */
export interface StepGraph {
  readonly indexes: ReadonlyMap<string, number>;
  readonly needs: Edges;
  /** Steps, needs first; shorter than the steps when some wait for each other. */
  readonly order: Int32Array;
  /** The place of each step in the order; -1 for those that wait for each other, or behind such. */
  readonly positions: Int32Array;
}

/** The graph of steps whose names and needs are sound. Linear in steps and needs, without a call within a call. */
export function graphOf(steps: readonly Step[]): StepGraph {
  const indexes = new Map(steps.map((step, index) => [step.name, index]));
  const needs = edgesOf(steps, indexes);
  const children = turn(needs);
  const left = steps.map((_, index) => (needs.starts[index + 1] ?? 0) - (needs.starts[index] ?? 0));
  const order = new Int32Array(steps.length);
  let known = 0;
  for (const [index, count] of left.entries()) if (count === 0) order[known++] = index;
  for (let done = 0; done < known; done += 1) {
    for (const child of neighbours(children, order[done] ?? 0)) {
      const still = (left[child] ?? 0) - 1;
      left[child] = still;
      if (still === 0) order[known++] = child;
    }
  }
  const positions = new Int32Array(steps.length).fill(-1);
  for (let position = 0; position < known; position += 1) positions[order[position] ?? 0] = position;
  return { indexes, needs, order: order.subarray(0, known), positions };
}

export function neighbours(edges: Edges, index: number): Int32Array {
  return edges.ends.subarray(edges.starts[index], edges.starts[index + 1]);
}

/** The steps of one cycle, each needing the next and the last the first, from the one that is defined first; none without a cycle. */
export function findCycle({ needs, order, positions }: StepGraph): number[] {
  if (order.length === positions.length) return [];
  // Each step that is left over needs one that is left over too: going from need to need ends in a cycle.
  const seen = new Map<number, number>();
  const chain: number[] = [];
  let at = positions.indexOf(-1);
  while (!seen.has(at)) {
    seen.set(at, chain.length);
    chain.push(at);
    at = neighbours(needs, at).find((need) => positions[need] === -1) ?? at;
  }
  const cycle = chain.slice(seen.get(at));
  const first = cycle.indexOf(cycle.reduce((least, index) => Math.min(least, index)));
  return [...cycle.slice(first), ...cycle.slice(0, first)];
}

function edgesOf(steps: readonly Step[], indexes: ReadonlyMap<string, number>): Edges {
  const starts = new Int32Array(steps.length + 1);
  for (const [index, step] of steps.entries()) starts[index + 1] = (starts[index] ?? 0) + (step.needs?.length ?? 0);
  const ends = new Int32Array(starts.at(-1) ?? 0);
  let edge = 0;
  for (const step of steps) for (const need of step.needs ?? []) ends[edge++] = indexes.get(need) ?? 0;
  return { starts, ends };
}

/** The same edges the other way round. */
function turn({ starts, ends }: Edges): Edges {
  const turned = new Int32Array(starts.length);
  for (const end of ends) turned[end + 1] = (turned[end + 1] ?? 0) + 1;
  for (let index = 1; index < turned.length; index += 1)
    turned[index] = (turned[index] ?? 0) + (turned[index - 1] ?? 0);
  const next = turned.slice();
  const sources = new Int32Array(ends.length);
  for (let index = 0; index + 1 < starts.length; index += 1) {
    for (let edge = starts[index] ?? 0; edge < (starts[index + 1] ?? 0); edge += 1) {
      const end = ends[edge] ?? 0;
      const place = next[end] ?? 0;
      sources[place] = index;
      next[end] = place + 1;
    }
  }
  return { starts: turned, ends: sources };
}
