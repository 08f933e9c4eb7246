import type { Pin } from '@orrery/contracts/pin';
import type { Places } from '../release/places.ts';
import { compareGraphs, showDifference } from '../render/difference.ts';
import { readKeptGraph } from '../render/pinned.ts';

const toldMax = 3;

/**
 * The launcher of `local` is this clone's, not the release's: one that was changed since a pin was made starts the same release and
 * binding otherwise. One line that says in what, from what was pinned to what stands; undefined when it starts them as it did.
 */
export async function describeLauncher(places: Places, pinned: Pin, stands: Pin): Promise<string | undefined> {
  if (pinned.render === stands.render) return undefined;
  const said =
    "the launcher of local is this clone's, not the release's, and starts it otherwise than when it was pinned";
  const [then, here] = [await readKeptGraph(places, pinned.render), await readKeptGraph(places, stands.render)];
  if (then === undefined || here === undefined) return `${said} (the render of then is not in the store)`;
  const differences = compareGraphs(then, here);
  const more = differences.length > toldMax ? [`and ${differences.length - toldMax} more`] : [];
  return `${said}: ${[...differences.slice(0, toldMax).map(showDifference), ...more].join('; ')}`;
}
