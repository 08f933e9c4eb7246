import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleInfrastructure } from '#stacks/release/bundle.ts';
import { readGraph, type GraphResource } from '#stacks/render/graph.ts';
import { renderInChild, type ChildAnswer } from '#stacks/render/render.ts';
import type { Perturbation } from '#stacks/render/protocol.ts';

const root = join(import.meta.dirname, '..', '..', '..');
let bundled: ReturnType<typeof bundleInfrastructure> | undefined;

/** A composition of a few lines, with this tree's renderer, in a folder of its own. */
export class SmallProgram {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-program-'));

  private constructor(renderer: Buffer, source: string) {
    writeFileSync(join(this.folder, 'renderer.mjs'), renderer);
    writeFileSync(join(this.folder, 'platform.mjs'), source);
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** `body` is what composePlatform does; aws, random, pulumi, kubernetes and eks are imported. */
  static async make(body: string, imports = ''): Promise<SmallProgram> {
    bundled ??= bundleInfrastructure(root);
    const renderer = (await bundled).find((file) => file.path === 'renderer.mjs');
    if (renderer === undefined) throw new Error('the infrastructure has no renderer');
    const packages = ['aws', 'eks', 'kubernetes', 'pulumi', 'random'];
    const lines = packages.map((name) => `import * as ${name} from '@pulumi/${name}';`);
    const source = `${lines.join('\n')}\n${imports}\nexport async function composePlatform(request) {\n${body}\n}\n`;
    return new SmallProgram(renderer.content, source);
  }

  ask = (perturbation?: Perturbation): Promise<ChildAnswer> =>
    renderInChild({
      folder: this.folder,
      environment: 'dev',
      release: {},
      releaseDigest: 'sha256:0',
      settings: { word: 'given' },
      ...(perturbation && { perturbation }),
    });

  async graph(): Promise<GraphResource[]> {
    return readGraph((await this.ask()).text);
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.folder, path, '..'), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Renders a composition once; the folder is removed whatever comes out. */
export async function renderSmall(body: string, imports = ''): Promise<GraphResource[]> {
  const program = await SmallProgram.make(body, imports);
  try {
    return await program.graph();
  } finally {
    program.remove();
  }
}

export function inputsOf(graph: readonly GraphResource[], name: string): GraphResource['inputs'] {
  const found = graph.filter((resource) => resource.name === name);
  if (found.length !== 1) throw new Error(`${found.length} resources are named ${name}`);
  return found[0]?.inputs ?? {};
}
