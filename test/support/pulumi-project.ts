import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { digestOf, shortDigest, type Digest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { bundleInfrastructure, describeBundle } from '#stacks/release/bundle.ts';
import { cloudRelease, settingsOfFile } from '#test/support/cloud-release.ts';

const root = join(import.meta.dirname, '..', '..');

export interface PinOptions {
  /** Digest of the infrastructure that the release names. Default: this tree's. */
  readonly infrastructure?: Digest;
}

/** A Pulumi project of its own: this tree's program and settings, with pins and records that only the test knows. */
export class PulumiProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-project-'));

  constructor() {
    for (const name of ['infra', 'stacks', 'package.json', 'Pulumi.yaml', 'Pulumi.dev.yaml', 'Pulumi.prod.yaml']) {
      const filter = (source: string) => !/\/stacks\/(pins|records)(\/|$)/.test(source);
      cpSync(join(root, name), join(this.folder, name), { recursive: true, filter });
    }
    for (const name of ['node_modules', 'services']) symlinkSync(join(root, name), join(this.folder, name));
  }

  /** Pins an environment to the release of a test and to its settings as the file has them. */
  async pin(environment: string, options: PinOptions = {}): Promise<Pin> {
    const infrastructure = options.infrastructure ?? describeBundle(await bundleInfrastructure(root)).digest;
    const binding = { schema: 1 as const, environment, settings: settingsOfFile(environment) };
    const pin: Pin = {
      schema: 2,
      release: this.#recordRelease(cloudRelease(infrastructure)),
      binding: digestOf('binding', binding),
      render: digestOf('render', {}),
    };
    this.write(`stacks/records/bindings/${shortDigest(pin.binding)}.json`, binding);
    this.write(`stacks/pins/${environment}.json`, pin);
    return pin;
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
