import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Values } from './values.ts';

/** One thing of the cloud, as the file has it. */
export interface CloudEntry {
  readonly urn: string;
  readonly tok: string;
  readonly id: string;
  readonly props: Values;
}

/** A cloud in one JSON file: `type/id` to what was made. Whoever edits the file changes the cloud behind the engine's back. */
export class CloudFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get entries(): Readonly<Record<string, CloudEntry>> {
    if (!existsSync(this.#path)) return {};
    return JSON.parse(readFileSync(this.#path, 'utf8')) as Record<string, CloudEntry>;
  }

  find(type: string, id: string): CloudEntry | undefined {
    return this.entries[`${type}/${id}`];
  }

  put(entry: CloudEntry): void {
    this.#write({ ...this.entries, [`${entry.tok}/${entry.id}`]: entry });
  }

  remove(type: string, id: string): void {
    const others = Object.entries(this.entries).filter(([key]) => key !== `${type}/${id}`);
    this.#write(Object.fromEntries(others));
  }

  /** Changes what is there by hand; throws when nothing fits, because a drift that was never planted would prove nothing. */
  edit(type: string, name: string, edit: (props: Values) => Values): CloudEntry {
    const found = Object.values(this.entries).find(({ tok, urn }) => tok === type && urn.endsWith(`::${name}`));
    if (found === undefined) throw new Error(`${this.#path} has no ${type} named ${name}`);
    const edited = { ...found, props: edit(found.props) };
    this.put(edited);
    return edited;
  }

  #write(entries: Readonly<Record<string, CloudEntry>>): void {
    mkdirSync(dirname(this.#path), { recursive: true });
    const draft = `${this.#path}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(entries, null, 1));
    renameSync(draft, this.#path);
  }
}
