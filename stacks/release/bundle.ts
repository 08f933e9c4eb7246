import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildFailure } from 'esbuild';
import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import type { Bundle } from '@orrery/contracts/release';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { CommandError } from '../errors.ts';
import { readTree, sortFiles, type BundleFile } from './files.ts';

/** Folders of assets that stand beside `src/`, in a service as in its bundle. */
const assetFolders = ['lua', 'sql'];

/** CommonJS packages inside an ES module bundle still call `require`. */
const requireBanner =
  "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);";

/** The files of one service as it runs: for Node one module with its assets, for Python the package as it is. */
export async function bundleService(root: string, manifest: ServiceManifest): Promise<BundleFile[]> {
  const folder = join(root, 'services', manifest.name);
  if (manifest.runtime === 'python') return pythonFiles(folder);
  const assets = assetFolders.flatMap((name) => [
    ...placeUnder(name, readTree(join(root, 'services', 'kit', name))),
    ...placeUnder(name, readTree(join(folder, name))),
  ]);
  const sources = ['main', 'worker'].filter((name) => existsSync(join(folder, 'src', `${name}.ts`)));
  const modules = await Promise.all(
    sources.map(async (name) => ({
      path: `src/${name}.mjs`,
      content: await bundleModule(root, join(folder, 'src', `${name}.ts`), manifest.native),
    })),
  );
  return sortFiles([...assets, ...modules]);
}

/**
 * The infrastructure program and what renders it, a module each: an old release is rendered by its own renderer for ever. Pulumi's
 * packages stay outside, locked by integrity.
 */
export async function bundleInfrastructure(root: string): Promise<BundleFile[]> {
  const modules = [
    { path: 'platform.mjs', source: join(root, 'stacks', 'platform.ts') },
    { path: 'renderer.mjs', source: join(root, 'stacks', 'render', 'child.ts') },
  ];
  return Promise.all(
    modules.map(async ({ path, source }) => ({ path, content: await bundleModule(root, source, ['@pulumi/*']) })),
  );
}

/** The bundle's document, by whose digest it is known. */
export function describeBundle(files: readonly BundleFile[]): { bundle: Bundle; digest: Digest } {
  const bundle: Bundle = {
    schema: 1,
    files: files.map((file) => ({ path: file.path, object: digestOfBytes(file.content), bytes: file.content.length })),
  };
  return { bundle, digest: digestOf('bundle', bundle) };
}

/**
 * `absWorkingDir` and `preserveSymlinks` make the bytes independent of where the tree lies and of whether its `node_modules` is
 * a folder or a farm of links.
 */
async function bundleModule(root: string, entry: string, external: readonly string[]): Promise<Buffer> {
  try {
    const result = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      preserveSymlinks: true,
      external: [...external],
      banner: { js: requireBanner },
      legalComments: 'none',
      logLevel: 'silent',
      write: false,
      outfile: 'main.mjs',
    });
    return Buffer.from(result.outputFiles[0]?.contents ?? new Uint8Array());
  } catch (cause) {
    const [first] = (cause as Partial<BuildFailure>).errors ?? [];
    const place = first?.location ? `${first.location.file}:${first.location.line}:${first.location.column} ` : '';
    const message = `${entry.slice(root.length + 1)} can't be bundled: ${place}${first?.text ?? String(cause)}`;
    throw new CommandError({ code: 'BUNDLE_FAILED', message, hint: 'mend the source and commit it', cause });
  }
}

function pythonFiles(folder: string): BundleFile[] {
  return readTree(folder).filter((file) => /\.py$|^requirements\.lock$/.test(file.path));
}

function placeUnder(folder: string, files: readonly BundleFile[]): BundleFile[] {
  return files.map((file) => ({ path: `${folder}/${file.path}`, content: file.content }));
}
