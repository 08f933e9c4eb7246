import { execFile } from 'node:child_process';
import { isDeepStrictEqual } from 'node:util';
import { isMap, project, type Values } from './values.ts';

const commandTimeoutMs = 90_000;
const conversationMax = 64 * 1024 * 1024;

/** What kubectl said, by which the caller decides. */
export class Refused extends Error {
  /** The kind, or the namespace that it would stand in, is not there. */
  get isAbsent(): boolean {
    return /no matches for kind|namespaces "[^"]+" not found|the server doesn't have a resource type/.test(
      this.message,
    );
  }

  /** The kind is not there, whatever namespace is asked. */
  get isUnknownKind(): boolean {
    return /no matches for kind|the server doesn't have a resource type/.test(this.message);
  }
}

/** A real Kubernetes by its command line, as one field manager that takes over what it applies. */
export class ApiServer {
  readonly #kubeconfig: string;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  /** Throws `Refused` with the API server's own words. */
  async apply(object: Values, { dryRun }: { dryRun: boolean }): Promise<Values> {
    const flags = ['--server-side', '--force-conflicts', '--field-manager=pulumi', '--output=json'];
    const answer = await this.#kubectl(['apply', ...flags, ...(dryRun ? ['--dry-run=server'] : [])], object);
    return parsed(answer);
  }

  /** Undefined when it is gone. */
  async get(object: Values): Promise<Values | undefined> {
    const answer = await this.#kubectl(['get', '--ignore-not-found', '--output=json'], identityOf(object));
    if (answer.trim() === '') return undefined;
    // One that was asked for by a document comes as a list of one.
    const { items } = parsed(answer) as { items?: readonly Values[] };
    return items?.[0];
  }

  async delete(object: Values): Promise<void> {
    await this.#kubectl(['delete', '--ignore-not-found', '--timeout=60s'], identityOf(object));
  }

  /** What is live of what was given. Quantities and durations are written anew by the server, which is no drift. */
  async drift(given: Values): Promise<Values | undefined> {
    const live = await this.get(given);
    if (live === undefined) return undefined;
    const wanted = await this.apply(given, { dryRun: true });
    return isDeepStrictEqual(project(given, live), project(given, wanted)) ? given : live;
  }

  #kubectl(words: readonly string[], object: Values): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = {
        env: { ...process.env, KUBECONFIG: this.#kubeconfig },
        timeout: commandTimeoutMs,
        maxBuffer: conversationMax,
      };
      const child = execFile('kubectl', [...words, '--filename=-'], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Refused(`kubectl ${words[0] ?? ''}: ${stderr === '' ? error.message : stderr.trim()}`));
      });
      child.stdin?.end(JSON.stringify(object));
    });
  }
}

function identityOf({ apiVersion, kind, metadata }: Values): Values {
  const { name, namespace } = isMap(metadata) ? metadata : {};
  return { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } };
}

function parsed(text: string): Values {
  return JSON.parse(text) as Values;
}
