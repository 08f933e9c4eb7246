import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { digestOf } from '@orrery/contracts/digest';
import { freezeSettings } from '#stacks/promotion/settings-file.ts';
import { assembleRelease } from '#stacks/release/assemble.ts';
import { bundleInfrastructure } from '#stacks/release/bundle.ts';
import { readGraph } from '#stacks/render/graph.ts';
import { renderInChild } from '#stacks/render/render.ts';

const root = join(import.meta.dirname, '..', '..');
/** Resources that one copy of bench/render/blown-up.ts adds, and those of the present program for dev with one more provider. */
const perCopy = 61;
const present = 126;
const runs = 3;
const sizes = [present, 300, 1000, 4000];

interface Measured {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** What any program pays before it has asked for anything. */
function measureBareLoad(): Measured {
  const script = `await import('@pulumi/aws'); console.log(process.resourceUsage().maxRSS)`;
  const startedMs = performance.now();
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
  });
  return { seconds: (performance.now() - startedMs) / 1000, mebibytes: Number(stdout) / 1024 };
}

async function measureRender(folder: string): Promise<Measured & { resources: number }> {
  const { text, elapsedMs, peakMemoryBytes } = await renderInChild({
    folder,
    environment: 'dev',
    release,
    releaseDigest: digestOf('release', release),
    settings: freezeSettings(root, 'dev').settings,
  });
  return { seconds: elapsedMs / 1000, mebibytes: peakMemoryBytes / 2 ** 20, resources: readGraph(text).length };
}

async function prepare(size: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-bench-'));
  const renderer = (await bundleInfrastructure(root)).find((file) => file.path === 'renderer.mjs');
  writeFileSync(join(folder, 'renderer.mjs'), renderer?.content ?? '');
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'bench/render/blown-up.ts')],
    outfile: join(folder, 'platform.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: ['@pulumi/*'],
    banner: { js: "import { createRequire as load } from 'node:module'; const require = load(import.meta.url);" },
    define: { copies: String(Math.max(0, Math.ceil((size - present) / perCopy))) },
  });
  return folder;
}

/** The best of a few runs: what the machine can do when nobody else uses it. */
async function best<Result extends Measured>(measure: () => Result | Promise<Result>): Promise<Result> {
  const results: Result[] = [];
  for (let run = 0; run < runs; run += 1) results.push(await measure());
  return results.reduce((left, right) => (right.seconds < left.seconds ? right : left));
}

const { release } = await assembleRelease(root);
const bare = await best(measureBareLoad);
const show = ({ seconds, mebibytes }: Measured) =>
  `${seconds.toFixed(1).padStart(6)} s (${(seconds / bare.seconds).toFixed(1).padStart(5)} x)  ` +
  `${mebibytes.toFixed(0).padStart(5)} MiB (${(mebibytes / bare.mebibytes).toFixed(1)} x)`;
console.log(`best of ${runs}; x: against a bare import('@pulumi/aws') in the same run`);
console.log(`bare load        ${show(bare)}`);
for (const size of sizes) {
  const folder = await prepare(size);
  try {
    const measured = await best(() => measureRender(folder));
    console.log(`${String(measured.resources).padStart(5)} resources  ${show(measured)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
