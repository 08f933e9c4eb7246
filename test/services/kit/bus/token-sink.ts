import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';

/** What was written under one token, by whoever came first. */
export interface SinkEntry {
  readonly token: string;
  readonly ids: readonly string[];
}

/**
 * A store that drops what comes twice under one token, as ClickHouse does: a file a token, made whole by a link. It also
 * remembers a token that came with other events than the first time, which ClickHouse would lose or double.
 */
export class TokenSink {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    for (const name of ['tokens', 'differing', 'partial']) mkdirSync(path.join(folder, name), { recursive: true });
  }

  /** Whether the token is a first one. */
  write(entry: SinkEntry): boolean {
    const text = JSON.stringify(entry);
    const partial = path.join(this.#folder, 'partial', randomUUID());
    writeFileSync(partial, text);
    const kept = path.join(this.#folder, 'tokens', entry.token);
    try {
      linkSync(partial, kept);
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const differs = readFileSync(kept, 'utf8') !== text;
      if (differs) writeFileSync(path.join(this.#folder, 'differing', randomUUID()), text);
      return false;
    } finally {
      rmSync(partial);
    }
  }

  entries(): SinkEntry[] {
    return this.#read('tokens').toSorted((one, other) => one.token.localeCompare(other.token, 'en', { numeric: true }));
  }

  /** Writes under a known token with other events. */
  differing(): SinkEntry[] {
    return this.#read('differing');
  }

  #read(name: string): SinkEntry[] {
    const folder = path.join(this.#folder, name);
    return readdirSync(folder).map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as SinkEntry);
  }
}
