import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ApiServer, Refused } from '#test/engine/standin/api-server.ts';
import { isNamespace, titleOf, type KubernetesObject } from './objects.ts';

const run = promisify(execFile);
const atOnce = 6;
const outputMaxBytes = 64 * 1024 * 1024;

/** A cluster that a test borrows: what it makes there it takes away again. */
export class BorrowedCluster {
  readonly server: ApiServer;
  readonly #kubeconfig: string;
  readonly #definitions: string[] = [];
  readonly #made: KubernetesObject[] = [];

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
    this.server = new ApiServer(kubeconfig);
  }

  async names(kind: string): Promise<ReadonlySet<string>> {
    const listed = await this.#kubectl('get', kind, '--output=name');
    return new Set(listed.split('\n').map((line) => line.slice(line.indexOf('/') + 1)));
  }

  /** Makes the definitions that the cluster lacks, and waits until it serves them. */
  async define(files: readonly string[]): Promise<ReadonlySet<string>> {
    const before = await this.names('customresourcedefinitions');
    await this.#kubectl('apply', '--server-side', '--force-conflicts', ...files.map((file) => `--filename=${file}`));
    await this.#kubectl('wait', '--for=condition=Established', '--timeout=60s', 'customresourcedefinitions', '--all');
    const after = await this.names('customresourcedefinitions');
    this.#definitions.push(...[...after].filter((name) => !before.has(name)));
    return after;
  }

  /** Applies what it can; returns what the server said against the others, by title. */
  async apply(objects: readonly KubernetesObject[], { dryRun }: { dryRun: boolean }): Promise<Map<string, Refused>> {
    const refused = new Map<string, Refused>();
    const waiting = [...objects];
    const work = async () => {
      for (let object = waiting.shift(); object !== undefined; object = waiting.shift()) {
        if (!dryRun) this.#made.push(object);
        const refusal = await this.refusalOf(object, { dryRun });
        if (refusal !== undefined) refused.set(titleOf(object), refusal);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    return refused;
  }

  async refusalOf(object: KubernetesObject, { dryRun }: { dryRun: boolean }): Promise<Refused | undefined> {
    try {
      await this.server.apply(object, { dryRun });
      return undefined;
    } catch (error) {
      if (error instanceof Refused) return error;
      throw error;
    }
  }

  /** What a test made by other means. */
  owe(objects: readonly KubernetesObject[]): void {
    this.#made.push(...objects);
  }

  async giveBack(): Promise<void> {
    const namespaces = new Set(this.#made.filter(isNamespace).map(({ metadata }) => metadata.name));
    // A namespace takes what stands in it along.
    const roots = this.#made.filter(({ metadata }) => !namespaces.has(metadata.namespace ?? ''));
    // What never came to be needs no deletion.
    await Promise.all(roots.map((object) => this.server.delete(object).catch(() => undefined)));
    if (this.#definitions.length === 0) return;
    await this.#kubectl(
      'delete',
      'customresourcedefinitions',
      ...this.#definitions,
      '--ignore-not-found',
      '--wait=false',
    );
  }

  async #kubectl(...words: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: this.#kubeconfig };
    return (await run('kubectl', words, { env, maxBuffer: outputMaxBytes })).stdout;
  }
}
