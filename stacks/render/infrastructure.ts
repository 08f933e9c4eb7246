import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOfBytes, shortDigest, type Digest } from '@orrery/contracts/digest';
import { bundleInfrastructure, describeBundle } from '../release/bundle.ts';
import { readBundle } from '../release/closure.ts';
import { rebuildRelease } from '../release/create.ts';
import type { BundleFile } from '../release/files.ts';
import type { Places } from '../release/places.ts';
import type { RecordedRelease } from '../release/records.ts';
import { openStore } from '../release/store.ts';
import { providePackages } from './packages.ts';

type Recorded = Pick<RecordedRelease, 'digest' | 'release' | 'provenance' | 'folder'>;

/**
 * The folder of a release's own infrastructure: `platform.mjs`, `renderer.mjs`, and a link to the packages that the release names.
 * What the store lacks is rebuilt from the commit that made the release.
 */
export async function provideInfrastructure(
  places: Places,
  recorded: Recorded,
  progress: (line: string) => void,
): Promise<string> {
  const digest = recorded.release.infrastructure.bundle;
  const packages = await providePackages(places, recorded, progress);
  const files = (await readFiles(places, digest)) ?? (await rebuildFiles(places, recorded, progress));
  return placeFiles(places, digest, files, packages);
}

/** The folder of the infrastructure as the working tree has it. */
export async function provideWorkingTree(places: Places): Promise<string> {
  const files = await bundleInfrastructure(places.root);
  return placeFiles(places, describeBundle(files).digest, files, join(places.root, 'node_modules'));
}

/** The bundle's files from the store; undefined when it lacks one or one no longer hashes to its name. */
async function readFiles(places: Places, digest: Digest): Promise<BundleFile[] | undefined> {
  const store = openStore(places);
  try {
    const { files } = await readBundle(store, digest);
    return await Promise.all(files.map(async ({ path, object }) => ({ path, content: await store.get(object) })));
  } catch {
    return undefined;
  }
}

async function rebuildFiles(
  places: Places,
  recorded: Recorded,
  progress: (line: string) => void,
): Promise<BundleFile[]> {
  await rebuildRelease(places, recorded, progress);
  return (await readFiles(places, recorded.release.infrastructure.bundle)) ?? [];
}

/** A folder that is there is used only when its bytes are the bundle's and its packages the release's. */
function placeFiles(places: Places, digest: Digest, files: readonly BundleFile[], modules: string): string {
  // The renderer may read the packages themselves, not the links that lead there.
  const packages = realpathSync(modules);
  const versions = join(places.state, 'versions');
  const folder = join(versions, `infrastructure-${shortDigest(digest)}-${shortDigest(digestOfBytes(packages))}`);
  if (files.every((file) => holds(join(folder, file.path), file.content))) return folder;
  mkdirSync(versions, { recursive: true });
  const temporary = mkdtempSync(join(versions, '.making-'));
  for (const file of files) {
    mkdirSync(dirname(join(temporary, file.path)), { recursive: true });
    writeFileSync(join(temporary, file.path), file.content, { mode: 0o444 });
  }
  symlinkSync(packages, join(temporary, 'node_modules'));
  return moveInto(temporary, folder, files);
}

/** Another process may have made the folder meanwhile: then that one is as good. */
function moveInto(temporary: string, folder: string, files: readonly BundleFile[]): string {
  try {
    if (existsSync(folder) && !files.every((file) => holds(join(folder, file.path), file.content))) {
      rmSync(folder, { recursive: true, force: true });
    }
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!files.every((file) => holds(join(folder, file.path), file.content))) throw error;
  }
  return folder;
}

function holds(path: string, content: Buffer): boolean {
  return existsSync(path) && readFileSync(path).equals(content);
}
