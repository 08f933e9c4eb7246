import { digestOfBytes, type Digest } from '@orrery/contracts/digest';
import { CommandError } from '../errors.ts';
import { compareGraphs, type Difference } from './difference.ts';
import { readGraph } from './graph.ts';
import { axes, type Axis, type Perturbation } from './protocol.ts';

/** How many renders run at the same time; each takes a core. */
const atOnce = 2;
/** How many differences of one cause are told. */
const toldMax = 5;

/** What makes renders differ: one axis alone, several only together, or nothing that the check can hold still. */
export type Cause = Axis | 'together' | 'itself';

export interface CheckedDifference extends Difference {
  readonly cause: Cause;
}

export interface CheckOutcome {
  readonly renders: number;
  readonly equal: number;
  /** Of the graph of the machine as it is. */
  readonly graph: Digest;
  /** The first few of each cause; empty when all renders are equal. */
  readonly differences: readonly CheckedDifference[];
  readonly peakMemoryBytes: number;
  readonly elapsedMs: readonly number[];
}

interface Answer {
  readonly text: string;
  /** What stopped a render that should have made a graph. */
  readonly failure?: string;
  readonly peakMemoryBytes: number;
  readonly elapsedMs: number;
}

type Render = (perturbation?: Perturbation) => Promise<Answer>;

/**
 * Renders `count` times, each time on another made-up machine, and compares with the machine as it is. Where one differs, each
 * axis is varied alone to find what the program depends on, and in which property it shows.
 */
export async function checkRender(
  render: Render,
  count: number,
  progress: (line: string) => void,
): Promise<CheckOutcome> {
  const base = await render();
  const answers: Answer[] = [base];
  const differing: number[] = [];
  const seeds = Array.from({ length: count }, (_, index) => index + 1);
  await eachOf(seeds, async (seed) => {
    const answer = await attempt(() => render({ seed, axes }));
    answers.push(answer);
    if (answer.text !== base.text) differing.push(seed);
    progress(`render ${answers.length - 1} of ${count}: ${answer.text === base.text ? 'equal' : 'DIFFERS'}`);
  });
  const [seed] = differing.sort((left, right) => left - right);
  return {
    renders: count,
    equal: count - differing.length,
    graph: digestOfBytes(base.text),
    differences: seed === undefined ? [] : await findCauses(render, base, { seed, axes }),
    peakMemoryBytes: Math.max(...answers.map((answer) => answer.peakMemoryBytes)),
    elapsedMs: answers.map((answer) => Math.round(answer.elapsedMs)),
  };
}

/** Varies one axis at a time against a machine that is held still. */
async function findCauses(render: Render, base: Answer, perturbation: Perturbation): Promise<CheckedDifference[]> {
  const { seed } = perturbation;
  const still: Perturbation = { seed, axes: [] };
  const [control, again] = await Promise.all([attempt(() => render(still)), attempt(() => render(still))]);
  const found: CheckedDifference[] = told('itself', control, again);
  if (found.length > 0) return found;
  await eachOf(axes, async (axis) => {
    const varied = await attempt(() => render({ seed, axes: [axis] }));
    found.push(...told(axis, control, varied));
  });
  if (found.length > 0)
    return found.sort((left, right) => axes.indexOf(left.cause as Axis) - axes.indexOf(right.cause as Axis));
  return told('together', base, await attempt(() => render(perturbation)));
}

function told(cause: Cause, left: Answer, right: Answer): CheckedDifference[] {
  if (left.text === right.text) return [];
  const failed = left.failure ?? right.failure;
  if (failed !== undefined) {
    const outcome = (answer: Answer) => answer.failure ?? 'a graph';
    return [{ cause, urn: 'the render as a whole', property: '', left: outcome(left), right: outcome(right) }];
  }
  const differences = compareGraphs(readGraph(left.text), readGraph(right.text)).slice(0, toldMax);
  return differences.map((difference) => ({ cause, ...difference }));
}

/** A render that fails on one machine alone differs as well. */
async function attempt(render: () => Promise<Answer>): Promise<Answer> {
  try {
    return await render();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const failure = `${error.code}: ${error.message}`;
    return { text: failure, failure, peakMemoryBytes: 0, elapsedMs: 0 };
  }
}

async function eachOf<Item>(items: readonly Item[], use: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await use(item);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
