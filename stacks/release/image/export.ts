import { createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { canonicalJson, digestOfBytes, shortDigest, type Digest } from '@orrery/contracts/digest';
import type { ReleasedImage } from '@orrery/contracts/release';
import type { ObjectStore } from '@orrery/kit/store';
import { CommandError } from '#stacks/errors.ts';
import { manifestType, type ImageManifest } from './image.ts';
import type { LayerStore } from './layer-store.ts';
import type { ImageLock } from './lock.ts';
import { streamTar, type TarEntry } from './tar.ts';

export interface ImageExport {
  readonly service: string;
  readonly image: ReleasedImage;
  /** Holds the manifest, the configuration and the service's own layer. */
  readonly store: ObjectStore;
  /** Makes the layers below it. */
  readonly layers: LayerStore;
  /** The lock of images of the commit that the release was made of. */
  readonly lock: ImageLock;
  /** Where the archive goes. */
  readonly to: string;
}

/** Writes an image as an OCI layout in one archive, as `skopeo`, `buildah` and `ctr images import` read it. Returns its bytes. */
export async function exportImage(request: ImageExport): Promise<number> {
  const { store, image, to } = request;
  const manifestBytes = await store.get(image.digest);
  const manifest = JSON.parse(manifestBytes.toString('utf8')) as ImageManifest;
  const entries: TarEntry[] = [
    text('oci-layout', { imageLayoutVersion: '1.0.0' }),
    text('index.json', writeIndex(request, manifestBytes)),
    blob(image.digest, manifestBytes),
    blob(manifest.config.digest, await store.get(manifest.config.digest)),
  ];
  for (const { digest, size } of manifest.layers) {
    entries.push({ ...blobEntry(digest), source: { file: await provideLayer(request, digest), bytes: size } });
  }
  const temporary = `${to}.${process.pid}.tmp`;
  try {
    await pipeline(streamTar(entries), createWriteStream(temporary));
    renameSync(temporary, to);
  } finally {
    rmSync(temporary, { force: true });
  }
  return statSync(to).size;
}

/** Names by which tools that know no digests find the image: the service, and the beginning of the image's digest as a tag. */
function writeIndex({ service, image }: ImageExport, manifest: Buffer): object {
  const tag = shortDigest(image.digest);
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        mediaType: manifestType,
        digest: image.digest,
        size: manifest.length,
        platform: { architecture: 'amd64', os: 'linux' },
        annotations: {
          'org.opencontainers.image.ref.name': tag,
          'io.containerd.image.name': `orrery.local/${service}:${tag}`,
        },
      },
    ],
  };
}

/** A layer of the base by making it, the service's own from the store. */
async function provideLayer({ lock, layers, store }: ImageExport, digest: Digest): Promise<string> {
  const locked = Object.entries(lock.layers).find(([, layer]) => layer.digest === digest);
  if (locked !== undefined) return layers.provide(...locked);
  if (await store.has(digest)) return store.file(digest);
  throw new CommandError({
    code: 'LAYER_UNKNOWN',
    message: `the image has the layer ${digest}, which neither the store nor the image lock of its commit has`,
    hint: 'bring the release back from its commit: npx orrery release verify RELEASE --rebuild',
  });
}

function blob(digest: Digest, content: Buffer): TarEntry {
  if (digestOfBytes(content) !== digest) throw new RangeError(`what is stored as ${digest} holds other bytes`);
  return { ...blobEntry(digest), content };
}

function blobEntry(digest: Digest): { path: string; mode: number } {
  return { path: `blobs/sha256/${digest.slice('sha256:'.length)}`, mode: 0o644 };
}

function text(path: string, document: object): TarEntry {
  return { path, mode: 0o644, content: Buffer.from(canonicalJson(document)) };
}
