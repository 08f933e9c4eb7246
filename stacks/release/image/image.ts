import { servicePort, serviceUser } from '#infra/planning/service/workload.ts';
import { canonicalJson, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { ReleasedImage } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import type { BundleFile } from '../files.ts';
import { lockedLayer, stale, type ImageLock } from './lock.ts';
import { serviceFolder } from './npm.ts';
import { baseLayers, middleLayers } from './recipes.ts';
import { placeFiles, writeTar } from './tar.ts';
import { wheelsFolder } from './wheels.ts';

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

/** The manifest of an image, as it lies in a registry. */
export interface ImageManifest {
  readonly config: { readonly digest: Digest; readonly size: number };
  readonly layers: readonly Layer[];
}

type Runtime = ServiceManifest['runtime'];

interface Part extends Layer {
  readonly name: string;
}

/** The epoch stands for every time: an image says nothing of when it was made. */
const created = '1970-01-01T00:00:00Z';
const environment: Readonly<Record<Runtime, readonly string[]>> = {
  node: ['NODE_ENV=production'],
  python: ['PYTHONDONTWRITEBYTECODE=1', 'PYTHONHASHSEED=0', `PYTHONPATH=/${serviceFolder}:/${wheelsFolder}`],
};

/**
 * The image of a service: the layers of its base, those of its native packages, and one with its bundle and definitions. Pure:
 * nothing is made but that one layer, since the lock says what the others are.
 */
export function composeImage(objects: ImageObjects, lock: ImageLock, request: ImageRequest): ReleasedImage {
  const { manifest, files, definitions } = request;
  const base = describeBase(lock, manifest.runtime);
  if (lock.bases[manifest.runtime].manifest !== base.digest) throw stale(`its ${manifest.runtime} base is another one`);
  objects.bytes(base.config);
  objects.bytes(base.manifest);
  const own = writeTar([
    ...placeFiles(serviceFolder, files),
    ...placeFiles(`${serviceFolder}/definitions`, definitions),
  ]);
  const parts = [
    ...partsOf(lock, [...baseLayers[manifest.runtime], ...middleLayers(manifest)]),
    { name: manifest.name, digest: objects.bytes(own), size: own.length },
  ];
  const config = encode(writeConfig(parts, manifest.runtime, runOf(manifest, base.digest)));
  objects.bytes(config);
  return { digest: objects.bytes(encode(writeManifest(parts, config))), base: base.digest, platform: lock.platform };
}

/** The base of a runtime, which is an image too: what scanners and updates of it are held against. */
export function describeBase(lock: Pick<ImageLock, 'layers'>, runtime: Runtime) {
  const parts = partsOf(lock, baseLayers[runtime]);
  const config = encode(writeConfig(parts, runtime, { Labels: { [`${label}.title`]: `orrery/base-${runtime}` } }));
  const manifest = encode(writeManifest(parts, config));
  return { config, manifest, digest: digestOfBytes(manifest) };
}

const label = 'org.opencontainers.image';

/** What is run, and what people and tools may know of it. Nothing names the service's version, of which the image is a part. */
function runOf(manifest: ServiceManifest, base: Digest): object {
  const { name, runtime, ports } = manifest;
  const entry =
    runtime === 'node'
      ? ['/usr/local/bin/node', `/${serviceFolder}/src/main.mjs`]
      : ['/usr/bin/python3.11', '-m', `orrery_${name}`];
  return {
    WorkingDir: `/${serviceFolder}`,
    Entrypoint: entry,
    ...(ports.http === undefined ? {} : { ExposedPorts: { [`${servicePort}/tcp`]: {} } }),
    StopSignal: 'SIGTERM',
    Labels: {
      [`${label}.title`]: `orrery/${name}`,
      [`${label}.vendor`]: 'Orrery',
      [`${label}.licenses`]: 'Apache-2.0',
      [`${label}.base.name`]: `orrery/base-${runtime}`,
      [`${label}.base.digest`]: base,
    },
  };
}

function writeConfig(parts: readonly Part[], runtime: Runtime, run: object): object {
  return {
    created,
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: `${serviceUser}:${serviceUser}`,
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'LANG=C.UTF-8', 'TZ=UTC', ...environment[runtime]],
      ...run,
    },
    rootfs: { type: 'layers', diff_ids: parts.map(({ digest }) => digest) },
    history: parts.map(({ name }) => ({ created, created_by: `orrery ${name}` })),
  };
}

function writeManifest(parts: readonly Part[], config: Buffer): object {
  return {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, digest: digestOfBytes(config), size: config.length },
    layers: parts.map(({ digest, size }) => ({ mediaType: layerType, digest, size })),
  };
}

function partsOf(lock: Pick<ImageLock, 'layers'>, names: readonly string[]): Part[] {
  return names.map((name) => {
    const { digest, size } = lockedLayer(lock, name);
    return { name, digest, size };
  });
}

function encode(document: object): Buffer {
  return Buffer.from(canonicalJson(document));
}
