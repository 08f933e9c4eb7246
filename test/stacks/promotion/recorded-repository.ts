import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { createFolderStore } from '@orrery/kit/store';
import { appendEntry } from '#stacks/promotion/ledger.ts';
import { movePin } from '#stacks/promotion/pin.ts';
import { storeFolder, type Places } from '#stacks/release/places.ts';
import { recordBinding, recordRelease } from '#stacks/release/records.ts';
import { cloudRelease } from '#test/support/cloud-release.ts';

const at = '2026-01-01T00:00:00.000Z';

/** A git repository with records as `orrery` writes them: two releases, a binding, a ledger of dev with a deployment, its pin, a store. */
export class RecordedRepository {
  readonly root = mkdtempSync(join(tmpdir(), 'orrery-recorded-'));
  readonly places: Places = { root: this.root, state: join(this.root, '.orrery') };
  readonly binding: Digest;
  readonly releases: readonly Digest[];

  constructor() {
    this.git('init', '--quiet', '--initial-branch=main');
    this.git('config', 'user.email', 'test@orrery.invalid');
    this.git('config', 'user.name', 'test');
    this.write('.gitignore', '.orrery\n');
    this.commit('begin');
    const commit = this.git('rev-parse', 'HEAD').trim();
    this.binding = recordBinding(this.places, { schema: 1, environment: 'dev', settings: { region: 'eu-west-1' } });
    this.releases = ['one', 'two'].map((name) => {
      const release = { ...cloudRelease(), secrets: ['orrery-token', name] };
      const provenance = { commit, createdAt: at, actor: 'anna', reason: name };
      return recordRelease(this.places, 'dev', release, provenance).digest;
    });
    this.commit('record releases');
    this.move(0);
    const draft = { at, actor: 'anna', reason: 'deployed', fence: 1 };
    const pin = this.pinOf(0);
    appendEntry(this.places, 'dev', { ...draft, event: { kind: 'deployment-started', pin, steps: ['up'] } });
    const step = { kind: 'deployment-step', deployment: 2, step: 'up' } as const;
    appendEntry(this.places, 'dev', { ...draft, event: { ...step, outcome: 'started' } });
    appendEntry(this.places, 'dev', { ...draft, event: { ...step, outcome: 'done' } });
    const ended = { kind: 'deployment-ended', deployment: 2, outcome: 'succeeded', standsOn: 'target' } as const;
    appendEntry(this.places, 'dev', { ...draft, event: ended });
    this.commit('deploy one');
    this.move(1);
    this.commit('pin two');
  }

  async fillStore(): Promise<readonly Digest[]> {
    const store = createFolderStore(storeFolder(this.places));
    return Promise.all(['a star', 'a planet'].map(async (text) => (await store.put(text)).digest));
  }

  pinOf(index: number): Pin {
    const release = this.releases[index] ?? digestOf('release', {});
    return { schema: 2, release, binding: this.binding, render: digestOf('render', { index }) };
  }

  move(index: number): void {
    movePin(this.places, 'dev', { kind: 'pin', pin: this.pinOf(index), actor: 'anna', reason: 'moved', at, fence: 1 });
  }

  git(...words: string[]): string {
    const result = spawnSync('git', words, { cwd: this.root, encoding: 'utf8' });
    if (result.status !== 0) throw new Error(`git ${words.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  commit(message: string): string {
    this.git('add', '--all');
    this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return this.git('rev-parse', 'HEAD').trim();
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.root, path, '..'), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  edit(path: string, from: string, to: string): void {
    const text = this.read(path);
    if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
    this.write(path, text.replace(from, to));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
