import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfBytes, shortDigest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { CommandError } from '../errors.ts';
import type { Places } from '../release/places.ts';
import type { RecordedRelease } from '../release/records.ts';

type Recorded = Pick<RecordedRelease, 'digest' | 'release' | 'provenance'>;

const installTimeoutMs = 600_000;
const archiveBytesMax = 64 * 1024 * 1024;
const manifest = /^(package\.json|package-lock\.json|\.npmrc|services\/[^/]+\/package\.json)$/;

/**
 * The `node_modules` with the engine's SDK and the providers that a release names: the installed ones where they are the same,
 * otherwise those of the commit that made the release, installed once by its lockfile.
 */
export async function providePackages(
  places: Places,
  recorded: Recorded,
  progress: (line: string) => void,
): Promise<string> {
  const { toolchain } = recorded.release;
  const installed = join(places.root, 'node_modules');
  if (missingFrom(installed, toolchain).length === 0) return installed;
  const folder = join(places.state, 'packages', shortDigest(toolchain.lockfile));
  const packages = join(folder, 'node_modules');
  if (!existsSync(packages)) install(places, recorded, folder, progress);
  const [missing] = missingFrom(packages, toolchain);
  if (missing === undefined) return packages;
  throw new CommandError({
    code: 'PACKAGES_DIFFER',
    message: `release ${shortDigest(recorded.digest)} names ${missing}, which its lockfile does not install`,
    hint: `the record is at odds with its commit: npx orrery release verify ${shortDigest(recorded.digest)} --rebuild`,
    exitCode: 3,
  });
}

/** What a release wants and a `node_modules` does not have, as `@pulumi/aws 7.48.0`. */
function missingFrom(packages: string, { engine, providers }: Release['toolchain']): string[] {
  const wanted = [
    ['@pulumi/pulumi', engine] as const,
    ...Object.entries(providers).map(([name, { version }]) => [name, version] as const),
  ];
  return wanted
    .filter(([name, version]) => versionIn(packages, name) !== version)
    .map(([name, version]) => `${name} ${version}`);
}

function versionIn(packages: string, name: string): string | undefined {
  const file = join(packages, name, 'package.json');
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version;
}

/** Installs by the commit's own lockfile, beside the others, and only then under the name by which it is found. */
function install(places: Places, recorded: Recorded, folder: string, progress: (line: string) => void): void {
  const { commit } = recorded.provenance;
  const short = commit.slice(0, 12);
  progress(`installing the packages of commit ${short}: release ${shortDigest(recorded.digest)} names other providers`);
  const parent = join(places.state, 'packages');
  mkdirSync(parent, { recursive: true });
  const temporary = mkdtempSync(join(parent, '.making-'));
  try {
    exportManifests(places.root, commit, temporary);
    const lock = digestOfBytes(readFileSync(join(temporary, 'package-lock.json')));
    if (lock !== recorded.release.toolchain.lockfile) throw failed(short, 'its lockfile is not the one of the release');
    const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    const result = spawnSync('npm', words, { cwd: temporary, encoding: 'utf8', timeout: installTimeoutMs });
    if (result.status !== 0) throw failed(short, result.stderr.trim().split('\n').at(-1) ?? 'npm ci failed');
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** What npm needs of a commit: the lockfile and the manifests of the workspaces. */
function exportManifests(root: string, commit: string, folder: string): void {
  const listed = spawnSync('git', ['ls-tree', '-r', '--name-only', commit], { cwd: root, encoding: 'utf8' });
  const files = listed.stdout.split('\n').filter((path) => manifest.test(path));
  if (listed.status !== 0 || files.length === 0) throw failed(commit.slice(0, 12), 'it is not in this clone');
  const archive = spawnSync('git', ['archive', '--format=tar', commit, ...files], {
    cwd: root,
    maxBuffer: archiveBytesMax,
  });
  const unpacked = spawnSync('tar', ['-xf', '-'], { cwd: folder, input: archive.stdout });
  if (archive.status !== 0 || unpacked.status !== 0)
    throw failed(commit.slice(0, 12), 'its manifests can not be exported');
}

function failed(commit: string, reason: string): CommandError {
  return new CommandError({
    code: 'PACKAGES_MISSING',
    message: `the packages of commit ${commit} can't be installed: ${reason}`,
    hint: 'fetch the whole history, and try again where the package registry can be reached',
  });
}
