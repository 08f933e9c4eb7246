import { neighbours, type StepGraph } from './workflow-graph.ts';

/** Whether `to` has always ended when `from` starts. */
export interface AncestorQuestion {
  readonly from: number;
  readonly to: number;
}

export type AncestorAnswer = 'yes' | 'no' | 'too-far';

/** How many questions' targets one sweep over the graph carries, 32 to a word. */
const wordsASweep = 8;
const targetsASweep = 32 * wordsASweep;
/** Words that all sweeps together touch at most: some seconds. */
const wordsMax = 3_000_000_000;

/**
 * Answers for each question. A closure of 100,000 steps would be gigabytes, a walk for each question could be as long as the
 * graph. So a spanning forest says yes to most, the order says no to some, and for the rest the graph is swept once for every
 * 256 steps that are asked for. What would need too many sweeps is too far. The graph must have no cycle.
 */
export function findAncestors(graph: StepGraph, questions: readonly AncestorQuestion[]): AncestorAnswer[] {
  const positionOf = (index: number) => graph.positions[index] ?? 0;
  const inForest = spanForest(graph);
  const answers: AncestorAnswer[] = questions.map((question) => (inForest(question) ? 'yes' : 'no'));
  const open = [...questions.keys()].filter((at) => {
    const question = questions[at];
    return question !== undefined && answers[at] === 'no' && positionOf(question.to) < positionOf(question.from);
  });
  const targets = [...new Set(open.map((at) => questions[at]?.to ?? 0))].sort(
    (left, right) => positionOf(left) - positionOf(right),
  );
  const places = new Map(targets.map((target, place) => [target, place]));
  const sweeps = Math.floor(wordsMax / ((graph.order.length + graph.needs.ends.length) * wordsASweep + 1));
  const bySweep = new Map<number, number[]>();
  for (const at of open) {
    const sweep = Math.floor((places.get(questions[at]?.to ?? 0) ?? 0) / targetsASweep);
    const together = bySweep.get(sweep);
    if (sweep >= sweeps) answers[at] = 'too-far';
    else if (together === undefined) bySweep.set(sweep, [at]);
    else together.push(at);
  }
  const reached = new Int32Array(bySweep.size === 0 ? 0 : graph.order.length * wordsASweep);
  for (const [sweep, asked] of bySweep) {
    const carried = targets.slice(sweep * targetsASweep, (sweep + 1) * targetsASweep);
    carry(graph, carried, reached);
    for (const at of asked) {
      const { from = 0, to = 0 } = questions[at] ?? {};
      const place = (places.get(to) ?? 0) % targetsASweep;
      const word = reached[positionOf(from) * wordsASweep + (place >> 5)] ?? 0;
      if ((word & (1 << (place & 31))) !== 0) answers[at] = 'yes';
    }
  }
  return answers;
}

/** Gives every step a bit for each of the carried steps that is itself or before it. */
function carry(graph: StepGraph, carried: readonly number[], reached: Int32Array): void {
  reached.fill(0);
  for (const [place, target] of carried.entries()) {
    const word = (graph.positions[target] ?? 0) * wordsASweep + (place >> 5);
    reached[word] = (reached[word] ?? 0) | (1 << (place & 31));
  }
  const first = graph.positions[carried[0] ?? 0] ?? 0;
  for (let position = first; position < graph.order.length; position += 1) {
    for (const need of neighbours(graph.needs, graph.order[position] ?? 0)) {
      const source = (graph.positions[need] ?? 0) * wordsASweep;
      for (let word = 0; word < wordsASweep; word += 1) {
        const own = position * wordsASweep + word;
        reached[own] = (reached[own] ?? 0) | (reached[source + word] ?? 0);
      }
    }
  }
}

/** A forest in which each step hangs under the latest of its needs; what is above in it has ended before. */
function spanForest(graph: StepGraph): (question: AncestorQuestion) => boolean {
  const count = graph.order.length;
  const parents = new Int32Array(count).fill(-1);
  const sizes = new Int32Array(count).fill(1);
  for (let position = count - 1; position >= 0; position -= 1) {
    let parent = -1;
    for (const need of neighbours(graph.needs, graph.order[position] ?? 0)) {
      parent = Math.max(parent, graph.positions[need] ?? -1);
    }
    parents[position] = parent;
    if (parent >= 0) sizes[parent] = (sizes[parent] ?? 0) + (sizes[position] ?? 0);
  }
  // Steps are numbered so that those under a step follow it without a gap.
  const numbers = new Int32Array(count);
  const next = new Int32Array(count);
  let roots = 0;
  for (let position = 0; position < count; position += 1) {
    const parent = parents[position] ?? -1;
    const number = parent < 0 ? roots : (next[parent] ?? 0);
    const size = sizes[position] ?? 0;
    if (parent < 0) roots += size;
    else next[parent] = number + size;
    numbers[position] = number;
    next[position] = number + 1;
  }
  return ({ from, to }) => {
    const above = graph.positions[to] ?? 0;
    const number = numbers[graph.positions[from] ?? 0] ?? 0;
    const first = numbers[above] ?? 0;
    return from !== to && first <= number && number < first + (sizes[above] ?? 0);
  };
}
