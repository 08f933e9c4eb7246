import type { Digest } from '@orrery/contracts/digest';
import { parseDocument, shortDigest } from '@orrery/contracts/digest';
import type { Pin, Render } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';
import type { Places } from '../release/places.ts';
import { openStore } from '../release/store.ts';
import { compareGraphs, showDifference } from './difference.ts';
import { readGraph, type GraphResource } from './graph.ts';
import type { Rendered } from './environment.ts';

/** How many differences are told; the count of all of them stands above. */
const toldMax = 10;

/**
 * Throws `RENDER_DIFFERS` when a render is not the one that the pin names, with each resource and property where the pinned graph
 * is in this machine's store.
 */
export async function assertRenderPinned(places: Places, pin: Pin, rendered: Rendered): Promise<void> {
  if (rendered.digest === pin.render) return;
  const { environment } = rendered.render;
  throw new CommandError({
    code: 'RENDER_DIFFERS',
    message: `${environment} is pinned to render ${shortDigest(pin.render)}, its release renders to ${shortDigest(rendered.digest)}${await explain(places, pin.render, rendered.graph)}`,
    hint: `find out what decides it: npx orrery render ${environment} --check 5; then pin anew: npx orrery pin ${environment} ${shortDigest(pin.release)}`,
    exitCode: 3,
  });
}

async function explain(places: Places, pinned: Digest, graph: readonly GraphResource[]): Promise<string> {
  const before = await readKeptGraph(places, pinned);
  if (before === undefined) return ' (the pinned graph is not in the store of this machine, so the place is not known)';
  const differences = compareGraphs(before, graph);
  const lines = differences.slice(0, toldMax).map((difference) => `\n  ${showDifference(difference)}`);
  return `, in ${differences.length} places:${lines.join('')}`;
}

/** The graph of a render that was made on this machine before; undefined when the store does not have it. */
export async function readKeptGraph(places: Places, render: Digest): Promise<GraphResource[] | undefined> {
  const store = openStore(places);
  try {
    const { graph } = parseDocument((await store.get(render)).toString('utf8')) as Render;
    return readGraph((await store.get(graph)).toString('utf8'));
  } catch {
    return undefined;
  }
}
