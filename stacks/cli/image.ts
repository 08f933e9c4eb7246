import { resolve } from 'node:path';
import { shortDigest } from '@orrery/contracts/digest';
import type { ReleasedImage } from '@orrery/contracts/release';
import { closest } from 'fastest-levenshtein';
import { CommandError } from '../errors.ts';
import { pinMissing, readPin } from '../promotion/pin.ts';
import { rebuildRelease } from '../release/create.ts';
import { git } from '../release/git.ts';
import { exportImage } from '../release/image/export.ts';
import { LayerStore } from '../release/image/layer-store.ts';
import { imageLockFile, parseImageLock } from '../release/image/lock.ts';
import { makeImageLock } from '../release/image/make-lock.ts';
import { localEnvironment, type Places } from '../release/places.ts';
import { readRelease, type RecordedRelease } from '../release/records.ts';
import { openStore } from '../release/store.ts';
import { currentHost } from '../setup/host.ts';
import { required } from './release.ts';
import { table } from './table.ts';
import { textOption, type Verb } from './verb.ts';

const mebibyte = 2 ** 20;

export const imageLock: Verb = {
  name: 'image lock',
  summary: 'make the layers that images stand on, and lock them by digest',
  wordsMax: 0,
  usage: '',
  help: `Makes the bases of images (Debian packages of this machine's package lists, the Node of package-lock.json), the layers of
native npm packages and of the Python wheels, and writes ${imageLockFile} for you to
commit. A release then names every layer by digest without making one. Needs Debian 12 of x86-64 and about a minute; do it again
when a release says IMAGE_LOCK_STALE, and to take in Debian's security updates (apt-get update first).`,
  async run({ places, progress }) {
    const lock = await makeImageLock({ ...places, host: currentHost(), progress });
    const rows = Object.entries(lock.layers).map(([name, { digest, size }]) => [
      name,
      shortDigest(digest),
      `${Math.round(size / mebibyte)} MiB`,
    ]);
    return { json: lock, text: `${table(['layer', 'digest', 'size'], rows)}\n\ncommit ${imageLockFile}` };
  },
};

export const imageExport: Verb = {
  name: 'image export',
  summary: "write a service's image, with all its layers, into one archive",
  wordsMax: 1,
  usage: 'SERVICE --to FILE.tar [--release R]',
  help: `Writes the OCI image of SERVICE as a release names it (default: the release that local stands on) into one archive, as
skopeo, buildah and ctr read it:
  npx orrery image export scoring --to scoring.tar
  ctr images import --digests scoring.tar, or: skopeo copy --preserve-digests oci-archive:scoring.tar docker://REGISTRY/scoring
Layers of the base and of native packages are made here and must hash to what the image lock of the release's commit says.`,
  options: { release: { type: 'string' }, to: { type: 'string' } },
  async run({ places, progress }, { words, values }) {
    const service = required(words, 'SERVICE', 'image export');
    const named = textOption(values, 'to');
    const to = resolve(required(named === undefined ? [] : [named], '--to FILE.tar', 'image export'));
    const recorded = readRelease(places, textOption(values, 'release') ?? releaseOfLocal(places));
    const image = imageOf(recorded, service);
    const store = openStore(places);
    if (!(await store.has(image.digest))) await rebuildRelease(places, recorded, progress);
    const lock = parseImageLock(git(places.root, 'show', `${recorded.provenance.commit}:${imageLockFile}`));
    const layers = new LayerStore({ ...places, host: currentHost(), progress });
    const bytes = await exportImage({ service, image, store, layers, lock, to });
    const said = { service, release: recorded.digest, image: image.digest, file: to, bytes };
    return { json: said, text: `${service} ${image.digest}\n${to} (${Math.round(bytes / mebibyte)} MiB)` };
  },
};

function imageOf({ release, digest }: RecordedRelease, service: string): ReleasedImage {
  const found = release.services[service];
  if (found !== undefined) return found.image;
  const names = Object.keys(release.services);
  throw new CommandError({
    code: 'SERVICE_UNKNOWN',
    message: `release ${shortDigest(digest)} has no service "${service}", only ${names.join(', ')}`,
    hint: `did you mean "${closest(service, names)}"?`,
    exitCode: 2,
  });
}

function releaseOfLocal(places: Places): string {
  const pin = readPin(places, localEnvironment);
  if (pin !== undefined) return pin.release;
  throw pinMissing(localEnvironment, 'name a release: --release R (npx orrery release list)');
}
