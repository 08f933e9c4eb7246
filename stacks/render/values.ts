import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, digestOfBytes, type Digest } from '@orrery/contracts/digest';
import { Refusal } from './refusal.ts';
import type { Symbols } from './symbols.ts';

/** How Pulumi marks special values in what goes to the engine. */
export const signatures = {
  key: '4dabf18193072939515e22adb298388d',
  secret: '1b47061264138c4ac30d75fd1eb44270',
  resource: '5cf8f73096256a8f31e491e813e4eb8e',
  asset: 'c44067f5952c0a294b673a41bacd8c17',
  archive: '0def7320c3a5731c473e5ecbe6d01bc7',
} as const;
const unknownValue = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
const archiveFilesMax = 10_000;

type Fields = Record<string, unknown>;

export function secretOf(value: unknown): Fields {
  return { [signatures.key]: signatures.secret, value };
}

export function referenceTo(urn: string, id?: string): Fields {
  return { [signatures.key]: signatures.resource, urn, ...(id === undefined ? {} : { id }) };
}

/**
 * The inputs of a resource as a graph keeps them: marks as symbols, secrets as references, assets by their content. Throws a
 * Refusal that names resource and property for what has no place in a graph.
 */
export class InputWriter {
  readonly #symbols: Symbols;
  readonly #urn: string;

  constructor(symbols: Symbols, urn: string) {
    this.#symbols = symbols;
    this.#urn = urn;
  }

  write(inputs: Fields): Fields {
    return this.#map(inputs, '', false);
  }

  #value(value: unknown, pointer: string, secret: boolean): unknown {
    if (typeof value === 'string') return this.#text(value, pointer, secret);
    if (typeof value === 'number' && !Number.isFinite(value))
      throw this.#refuse(pointer, 'VALUE_INVALID', `is ${value}`);
    if (typeof value === 'number' && secret) throw this.#literal(pointer);
    if (Array.isArray(value)) return value.map((item, index) => this.#value(item, `${pointer}/${index}`, secret));
    if (typeof value !== 'object' || value === null) return value;
    const fields = value as Fields;
    switch (fields[signatures.key]) {
      case undefined:
        return this.#map(fields, pointer, secret);
      case signatures.secret:
        return this.#secret(fields['value'], pointer, secret);
      case signatures.resource:
        // A provider is told the id of a resource that is passed whole; a component has none.
        return typeof fields['id'] === 'string'
          ? this.#text(fields['id'], pointer, secret)
          : { $resource: fields['urn'] };
      case signatures.asset:
        return { $asset: this.#asset(fields, pointer) };
      case signatures.archive:
        return { $archive: this.#archive(fields, pointer) };
      default:
        throw this.#refuse(pointer, 'VALUE_INVALID', 'is of a kind that the renderer does not know');
    }
  }

  #map(fields: Fields, pointer: string, secret: boolean): Fields {
    const entries = Object.entries(fields).map(([key, item]) => {
      const place = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      return [this.#text(key, place, false), this.#value(item, place, secret)] as const;
    });
    return Object.fromEntries(entries);
  }

  #text(text: string, pointer: string, secret: boolean): string {
    if (text === unknownValue) throw this.#refuse(pointer, 'VALUE_INVALID', 'is unknown');
    if (secret && text !== '' && !this.#symbols.isMarked(text)) throw this.#literal(pointer);
    try {
      return this.#symbols.write(text);
    } catch (error) {
      if (error instanceof Refusal) throw new Refusal({ ...error.details, urn: this.#urn, property: pointer });
      throw error;
    }
  }

  /** A secret inside a secret is one secret. */
  #secret(value: unknown, pointer: string, inside: boolean): unknown {
    const written = this.#value(value, pointer, true);
    return inside ? written : { $secret: written };
  }

  #literal(pointer: string): Refusal {
    return this.#refuse(
      pointer,
      'SECRET_LITERAL',
      'is a secret that stands in the program itself, or a text made from one',
    );
  }

  #asset(fields: Fields, pointer: string): unknown {
    const { text, path } = fields;
    if (typeof text === 'string') {
      return this.#symbols.isMarked(text) ? { text: this.#text(text, pointer, false) } : digestOfBytes(text);
    }
    if (typeof path === 'string') return this.#file(path, pointer);
    throw this.#refuse(pointer, 'ASSET_REMOTE', `is fetched from ${String(fields['uri'])} at deployment`);
  }

  #archive(fields: Fields, pointer: string): unknown {
    const { assets, path } = fields;
    if (typeof assets === 'object' && assets !== null) return this.#map(assets as Fields, pointer, false);
    if (typeof path !== 'string') {
      throw this.#refuse(pointer, 'ASSET_REMOTE', `is fetched from ${String(fields['uri'])} at deployment`);
    }
    return statSync(path).isFile() ? this.#file(path, pointer) : this.#folder(path, pointer);
  }

  #folder(path: string, pointer: string): Digest {
    const files = listFiles(path);
    if (files.length > archiveFilesMax) throw this.#refuse(pointer, 'ASSET_TOO_LARGE', `has ${files.length} files`);
    const digests = files.map((file) => [file.slice(path.length), this.#file(file, pointer)] as const);
    return digestOf('tree', Object.fromEntries(digests));
  }

  #file(path: string, pointer: string): Digest {
    try {
      return digestOfBytes(readFileSync(path));
    } catch {
      throw this.#refuse(pointer, 'ASSET_UNREADABLE', `is the file ${path}, which is no part of the release`);
    }
  }

  #refuse(pointer: string, code: string, problem: string): Refusal {
    return new Refusal({
      code,
      message: `the input ${pointer} of ${this.#urn} ${problem}`,
      hint: hints[code] ?? 'change the program',
      urn: this.#urn,
      property: pointer,
    });
  }
}

const hints: Readonly<Record<string, string>> = {
  ASSET_REMOTE: 'what an address holds may change after the release: put the file into the program',
  ASSET_TOO_LARGE: `keep an archive below ${archiveFilesMax} files`,
  ASSET_UNREADABLE: 'a release holds only the bundled program: put the text into it',
  SECRET_LITERAL:
    'make it with RandomPassword, or refer to a secret store by name; a text built from a secret must still hold its output as it is',
  VALUE_INVALID: 'an input is text, a number, true or false, a list or a map',
};

/** Every file below a folder; a link to a folder is not followed, so that a circle of links has an end. */
function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? listFiles(path) : [path];
  });
}
