import type { Pair } from '@orrery/contracts/pair';
import { parseDocument, writeDocument } from '@orrery/contracts/digest';
import type { ObjectStore } from '@orrery/kit/store';

/**
 * Keeps the pair once more in the store with some leaf values of its export changed, under digests that all hold: what only
 * the parity certificate can notice. Returns the digest of that pair.
 */
export async function keepTamperedPair(store: ObjectStore, digest: string): Promise<string> {
  const pair = parseDocument((await store.get(digest)).toString('utf8')) as Pair;
  const bytes = Buffer.from(await store.get(pair.files['model.onnx'] ?? ''));
  for (let leaf = 0, at = firstLeaf(bytes); leaf < leavesChanged; leaf += 1, at += leafBytes) {
    bytes.writeFloatLE(bytes.readFloatLE(at) + 1, at);
  }
  const tampered = { ...pair, files: { ...pair.files, 'model.onnx': (await store.put(bytes)).digest } };
  return (await store.put(writeDocument('pair', tampered))).digest;
}

const leavesChanged = 8;
/** A value and the tag before it: field 7 of ONNX's AttributeProto, four bytes, not packed. */
const leafBytes = 5;
const tag = 0x3d;

/** Where the first value of the attribute `target_weights` stands. */
function firstLeaf(bytes: Buffer): number {
  const name = bytes.indexOf('target_weights');
  const first = bytes.indexOf(tag, name + 'target_weights'.length);
  if (name === -1 || first === -1 || bytes[first + leafBytes] !== tag) {
    throw new Error('this export has no leaf values where they are looked for');
  }
  return first + 1;
}
