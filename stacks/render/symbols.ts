import { createHash } from 'node:crypto';
import { Refusal } from './refusal.ts';

/**
 * While a program runs, an output is a mark in its text: a mark can't be confused with the program's own `${`, and whether a
 * logical name is unique is known only when the program has ended. Marks become symbols when the graph is written.
 */
const opens = '\uE000';
const divides = '\uE001';
const closes = '\uE002';
const mark = new RegExp(`${opens}([0-9a-f]{16})${divides}([^${closes}]*)${closes}`, 'g');
const anyMarkCharacter = new RegExp(`[${opens}${divides}${closes}]`);
const wholeMark = new RegExp(`^${opens}([0-9a-f]{16})${divides}([^${closes}]*)${closes}$`);
const simpleName = /^[A-Za-z0-9_-]+$/;

/** Hands out marks for outputs of resources, and turns them into symbols. */
export class Symbols {
  readonly #owners = new Map<string, string>();
  readonly #keys = new Map<string, string>();
  readonly #names = new Map<string, Set<string>>();

  /** The mark of an output; `path` such as `arn` or `vpcConfig.clusterSecurityGroupId`. */
  markOf(urn: string, path: string): string {
    return `${opens}${this.#keys.get(urn) ?? this.#own(urn)}${divides}${path}${closes}`;
  }

  /** True where a text holds at least one output. */
  isMarked(text: string): boolean {
    return text.search(mark) >= 0;
  }

  /**
   * The text with symbols for marks: `${store-bucket.arn}`. A name that several resources bear is told apart by its type, and
   * where that does not help by its URN. The program's own `${` becomes `$${`.
   */
  write(text: string): string {
    let [written, at] = ['', 0];
    for (const found of text.matchAll(mark)) {
      const before = text.slice(at, found.index);
      if (before.endsWith('$')) throw ambiguous();
      written += escape(before) + this.#symbol(found[1] ?? '', found[2] ?? '');
      at = found.index + found[0].length;
    }
    return written + escape(text.slice(at));
  }

  #own(urn: string): string {
    const key = createHash('sha256').update(urn).digest('hex').slice(0, 16);
    const known = this.#owners.get(key);
    if (known !== undefined) throw new Error(`${known} and ${urn} share the key ${key}`);
    this.#owners.set(key, urn);
    this.#keys.set(urn, key);
    const name = nameOfUrn(urn);
    const namesakes = this.#names.get(name) ?? new Set<string>();
    this.#names.set(name, namesakes.add(urn));
    return key;
  }

  #symbol(key: string, path: string): string {
    const urn = this.#owners.get(key);
    if (urn === undefined) throw broken();
    const owner = this.#ownerName(urn);
    const shown = simpleName.test(owner) ? owner : JSON.stringify(owner);
    return `\${${shown}.${path}}`;
  }

  #ownerName(urn: string): string {
    const name = nameOfUrn(urn);
    const namesakes = [...(this.#names.get(name) ?? [])];
    if (namesakes.length === 1) return name;
    const sameType = namesakes.filter((one) => typeOf(one) === typeOf(urn));
    return sameType.length === 1 ? `${typeOf(urn)}::${name}` : urn;
  }
}

/** The mark of a part of an output, for example of `endpoint.address`; undefined when `text` is not one whole mark. */
export function partOfMark(text: string, key: string): string | undefined {
  const found = wholeMark.exec(text);
  if (found === null) return undefined;
  const path = `${found[2] ?? ''}${/^\d+$/.test(key) ? `[${key}]` : `.${key}`}`;
  return `${opens}${found[1] ?? ''}${divides}${path}${closes}`;
}

/** True for a text that is one output and nothing else. */
export function isWholeMark(text: string): boolean {
  return wholeMark.test(text);
}

/** What stands behind the type chain: the logical name. */
export function nameOfUrn(urn: string): string {
  return urn.split('::').slice(3).join('::');
}

/** The resource's own type, without those of its parents. */
export function typeOf(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? '';
}

function escape(text: string): string {
  if (anyMarkCharacter.test(text)) throw broken();
  // A function, because in a replacement text "$$" would mean one "$".
  return text.replaceAll('${', () => '$${');
}

function broken(): Refusal {
  return new Refusal({
    code: 'SYMBOL_BROKEN',
    message: 'the program cut the text of an output apart',
    hint: 'pass outputs on as they are, or build text around them: what they will be is not known before the deployment',
  });
}

function ambiguous(): Refusal {
  return new Refusal({
    code: 'SYMBOL_AMBIGUOUS',
    message: 'a "$" stands right before an output, which reads as a literal "${"',
    hint: 'put something between the "$" and the output',
  });
}
