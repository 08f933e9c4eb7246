import { shortDigest, type Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import type { Lockfile } from '../release/lockfile.ts';
import type { ToolchainChange } from './change.ts';
import { namesOf } from './service.ts';
import type { Context, Side } from './side.ts';

type Parts = Readonly<Record<string, string>>;

/** What the release is made and deployed with: Node, engine, providers, locked packages, policies, prices, the program itself. */
export function compareToolchains(base: Side | undefined, head: Side, { lockfiles }: Context): ToolchainChange[] {
  if (base === undefined) return [];
  const parts = diffParts(partsOf(base.release), partsOf(head.release));
  const { lockfile } = base.release.toolchain;
  if (lockfile === head.release.toolchain.lockfile) return parts;
  const packages =
    lockfiles.base === undefined || lockfiles.head === undefined
      ? []
      : diffParts(packagesOf(lockfiles.base), packagesOf(lockfiles.head));
  return [...parts, ...packages];
}

function partsOf({ toolchain, policies, prices, infrastructure, schema }: Release): Parts {
  const { node, python, engine, bundler, providers, lockfile, pythonLock } = toolchain;
  return {
    'form of the release': String(schema),
    node,
    python,
    engine: `@pulumi/pulumi ${engine}`,
    bundler: `esbuild ${bundler}`,
    ...Object.fromEntries(
      Object.entries(providers).map(([name, { version, integrity }]) => [
        `provider ${name}`,
        `${version} ${integrity}`,
      ]),
    ),
    'package-lock.json': named(lockfile),
    'python lock': named(pythonLock),
    policies: named(policies.pack),
    'price list': `${prices.asOf} ${named(prices.list)}`,
    'infrastructure program': named(infrastructure.bundle),
  };
}

/** Places in `node_modules` with their versions; what is installed twice in two versions is told twice. */
function packagesOf({ packages }: Lockfile): Parts {
  const entries = Object.entries(packages).filter(([place]) => place.includes('node_modules/'));
  return Object.fromEntries(
    entries
      .filter(([, { link }]) => link !== true)
      .map(([place, { version = '', integrity = '' }]) => [`package ${shortPlace(place)}`, `${version} ${integrity}`]),
  );
}

function shortPlace(place: string): string {
  return place.replace(/^node_modules\//, '').replaceAll('/node_modules/', ' > ');
}

/** The same version with another integrity is another package: only then the integrity is told. */
function diffParts(before: Parts, after: Parts): ToolchainChange[] {
  return namesOf(before, after).flatMap((what) => {
    const [from, to] = [before[what], after[what]];
    if (from === to) return [];
    const [short, later] = [from, to].map((text) => text?.replace(/ sha512-\S*$/, '').trim());
    const same = short === later;
    return [{ what, before: (same ? from : short) ?? null, after: (same ? to : later) ?? null }];
  });
}

function named(digest: Digest): string {
  return shortDigest(digest);
}
