import { canonicalJson, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { ReleasedImage } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import type { BundleFile } from '../files.ts';
import { placeFiles, writeTar } from './tar.ts';

export const layerType = 'application/vnd.oci.image.layer.v1.tar';
export const configType = 'application/vnd.oci.image.config.v1+json';
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** Who keeps the bytes of an image's manifest, configuration and own layer: the objects of a release. */
export interface ImageObjects {
  bytes(content: Buffer): Digest;
}

export interface ImageRequest {
  readonly manifest: ServiceManifest;
  readonly files: readonly BundleFile[];
  /** Paths relative to `definitions/`. */
  readonly definitions: readonly BundleFile[];
}

export interface Layer {
  /** Of the uncompressed archive: layer digest and diff id are one. */
  readonly digest: Digest;
  readonly size: number;
}

/** The image of a service without its foundations: until the base is locked, its layers are none. */
export function composeImage(objects: ImageObjects, request: ImageRequest): ReleasedImage {
  const empty = writeManifest([], Buffer.from(canonicalJson(writeConfig([], request.manifest.runtime))));
  const layer = writeTar([
    ...placeFiles('opt/orrery', request.files),
    ...placeFiles('opt/orrery/definitions', request.definitions),
  ]);
  const layers = [{ digest: objects.bytes(layer), size: layer.length }];
  const config = Buffer.from(canonicalJson(writeConfig(layers, request.manifest.runtime)));
  objects.bytes(config);
  const digest = objects.bytes(writeManifest(layers, config));
  return { digest, base: digestOfBytes(empty), platform: 'linux/amd64' };
}

function writeConfig(layers: readonly Layer[], runtime: ServiceManifest['runtime']): object {
  return {
    created: '1970-01-01T00:00:00Z',
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: '10001:10001',
      WorkingDir: '/opt/orrery',
      Entrypoint: runtime === 'node' ? ['node', 'src/main.mjs'] : ['python3'],
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
  };
}

function writeManifest(layers: readonly Layer[], config: Buffer): Buffer {
  return Buffer.from(
    canonicalJson({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: configType, digest: digestOfBytes(config), size: config.length },
      layers: layers.map(({ digest, size }) => ({ mediaType: layerType, digest, size })),
    }),
  );
}
