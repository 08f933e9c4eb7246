const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/**
 * Which of the live orchestrators fires a trigger first, by rendezvous hashing: all that see the same peers name the same one, and
 * when one comes or goes only its own share moves. A hint: what it gets wrong costs a call, never a run.
 */
export function ownerOf(place: string, live: readonly string[]): string | undefined {
  let owner: string | undefined;
  let best = -1;
  for (const name of live) {
    const weight = weigh(`${name}\n${place}`);
    if (weight > best || (weight === best && owner !== undefined && name < owner)) [owner, best] = [name, weight];
  }
  return owner;
}

/** FNV-1a with the last mixing of MurmurHash3: names that differ in one digit must not weigh nearly the same. */
function weigh(text: string): number {
  let hash = offsetBasis;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), prime);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
