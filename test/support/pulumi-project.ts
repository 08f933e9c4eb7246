import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOf, shortDigest, writeDocument, type Digest } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { createFolderStore } from '@orrery/kit/store';
import { readLedger } from '#stacks/promotion/ledger.ts';
import { movePin } from '#stacks/promotion/pin.ts';
import { bundleInfrastructure, describeBundle } from '#stacks/release/bundle.ts';
import { storeFolder, type Places } from '#stacks/release/places.ts';
import { readRelease } from '#stacks/release/records.ts';
import { renderEnvironment } from '#stacks/render/environment.ts';
import { cloudRelease, settingsOfFile } from '#test/support/cloud-release.ts';

const root = join(import.meta.dirname, '..', '..');

/** This tree's, bundled once for all projects of a process. */
let infrastructure: ReturnType<typeof bundleInfrastructure> | undefined;

export interface PinOptions {
  /** Settings to pin. Default: those of the environment's file. */
  readonly settings?: Record<string, unknown>;
  /** What the release's composition is. Default: this tree's. */
  readonly platform?: string;
  /** What the pin names as its render. Default: what the release renders to. */
  readonly render?: Digest;
}

/** A Pulumi project of its own: this tree's program and settings, with pins and records that only the test knows. */
export class PulumiProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-project-'));
  /** The real cluster to which a stand-in for the provider applies; empty for none. */
  readonly kubeconfig: string;

  constructor(kubeconfig = '') {
    this.kubeconfig = kubeconfig;
    for (const name of [
      'infra',
      'policies',
      'stacks',
      'package.json',
      'Pulumi.yaml',
      'Pulumi.dev.yaml',
      'Pulumi.prod.yaml',
    ]) {
      const filter = (source: string) => !/\/stacks\/(pins|records)(\/|$)/.test(source);
      cpSync(join(root, name), join(this.folder, name), { recursive: true, filter });
    }
    for (const name of ['node_modules', 'services']) symlinkSync(join(root, name), join(this.folder, name));
  }

  /** Where the command and the program would look. */
  get places(): Places {
    return { root: this.folder, state: join(this.folder, '.orrery') };
  }

  /** Pins an environment to the release of a test, with its infrastructure in the project's store. */
  async pin(environment: string, options: PinOptions = {}): Promise<Pin> {
    const { settings = settingsOfFile(environment), platform } = options;
    const binding = { schema: 1 as const, environment, settings };
    const release = this.#recordRelease(cloudRelease(await this.#keepInfrastructure(platform)));
    const render = options.render ?? (await this.#render(release, binding));
    const pin: Pin = { schema: 2, release, binding: digestOf('binding', binding), render };
    this.write(`stacks/records/bindings/${shortDigest(pin.binding)}.json`, binding);
    const fence = readLedger(this.places, environment).length + 1;
    const move = { kind: 'pin', pin, actor: 'test', reason: 'a test', at: '2026-11-20T00:00:00.000Z', fence } as const;
    movePin(this.places, environment, move);
    return pin;
  }

  async #render(release: Digest, binding: Binding): Promise<Digest> {
    const { environment } = binding;
    const recorded = readRelease(this.places, release);
    const request = { environment, release: recorded, binding, progress: () => undefined };
    return (await renderEnvironment(this.places, request)).digest;
  }

  async #keepInfrastructure(platform: string | undefined): Promise<Digest> {
    infrastructure ??= bundleInfrastructure(root);
    const bundled = await infrastructure;
    const files = bundled.map((file) =>
      file.path === 'platform.mjs' && platform !== undefined ? { ...file, content: Buffer.from(platform) } : file,
    );
    const { bundle, digest } = describeBundle(files);
    const store = createFolderStore(storeFolder(this.places));
    for (const file of files) await store.put(file.content);
    await store.put(writeDocument('bundle', bundle));
    return digest;
  }

  write(path: string, document: unknown): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(document));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #recordRelease(release: Release): Digest {
    const digest = digestOf('release', release);
    const folder = `stacks/records/releases/${shortDigest(digest)}`;
    this.write(`${folder}/release.json`, release);
    this.write(`${folder}/provenance.json`, {
      schema: 1,
      release: digest,
      commit: '0'.repeat(40),
      createdAt: '2026-11-20T00:00:00.000Z',
      actor: 'test',
      reason: 'a test',
    });
    return digest;
  }
}
