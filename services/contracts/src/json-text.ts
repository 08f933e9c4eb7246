/** Where the key or the item of a path stands in a text. */
export type DocumentPath = readonly (string | number)[];

/** The paths that are looked for, as a tree, so that one pass over the text finds all of them. */
interface Wanted {
  offset: number | undefined;
  readonly within: Map<string | number, Wanted>;
}

interface Frame {
  readonly wanted: Wanted | undefined;
  /** The keys so far; undefined in a list. */
  readonly keys: Set<string> | undefined;
  /** How many items of the list have begun. */
  items: number;
}

export interface JsonScan {
  /** The offset of each path asked for, or of its nearest parent that exists. */
  readonly offsets: readonly number[];
  /** A key that stands twice in one object: JSON.parse would let the second win without a word. */
  readonly doubled: { readonly key: string; readonly offset: number } | undefined;
}

/** Walks once over a text that JSON.parse has read. */
export function scanJson(text: string, paths: readonly DocumentPath[]): JsonScan {
  const root: Wanted = { offset: undefined, within: new Map() };
  for (const path of paths) want(root, path);
  const doubled = new Walk(text).run(root);
  return { offsets: paths.map((path) => offsetIn(root, path)), doubled };
}

class Walk {
  readonly #text: string;
  readonly #open: Frame[] = [];
  #doubled: JsonScan['doubled'];
  /** What the next value is looked for as. */
  #next: Wanted | undefined;
  /** Whether the next string is a key. */
  #atKey = false;

  constructor(text: string) {
    this.#text = text;
  }

  run(root: Wanted): JsonScan['doubled'] {
    this.#next = root;
    let position = 0;
    while (position < this.#text.length) position = this.#step(position);
    return this.#doubled;
  }

  /** Reads what begins at a position; answers where the next thing begins. */
  #step(position: number): number {
    switch (this.#text[position]) {
      case '{':
      case '[':
        this.#enter(position, this.#text[position] === '{');
        return position + 1;
      case '}':
      case ']':
        this.#open.pop();
        this.#atKey = false;
        return position + 1;
      case ',':
        this.#atKey = this.#open.at(-1)?.keys !== undefined;
        return position + 1;
      case '"':
        return this.#string(position);
      case ' ':
      case '\n':
      case '\r':
      case '\t':
      case ':':
        return position + 1;
      default:
        this.#value(position);
        return this.#endOfWord(position);
    }
  }

  #enter(position: number, object: boolean): void {
    const wanted = this.#value(position);
    this.#open.push({ wanted, keys: object ? new Set() : undefined, items: 0 });
    this.#atKey = object;
  }

  #string(position: number): number {
    const end = endOfString(this.#text, position);
    if (this.#atKey) this.#key(position, end);
    else this.#value(position);
    return end;
  }

  #key(position: number, end: number): void {
    const frame = this.#open.at(-1);
    const raw = this.#text.slice(position + 1, end - 1);
    const key = raw.includes('\\') ? String(JSON.parse(`"${raw}"`)) : raw;
    if (frame?.keys?.has(key) === true) this.#doubled ??= { key, offset: position };
    frame?.keys?.add(key);
    this.#next = frame?.wanted?.within.get(key);
    if (this.#next !== undefined) this.#next.offset ??= position;
    this.#atKey = false;
  }

  #value(position: number): Wanted | undefined {
    const frame = this.#open.at(-1);
    if (frame !== undefined && frame.keys === undefined) {
      this.#next = frame.wanted?.within.get(frame.items);
      frame.items += 1;
    }
    const wanted = this.#next;
    this.#next = undefined;
    if (wanted !== undefined) wanted.offset ??= position;
    return wanted;
  }

  #endOfWord(position: number): number {
    const after = /[\s,\]}]/g;
    after.lastIndex = position;
    return after.exec(this.#text)?.index ?? this.#text.length;
  }
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function want(root: Wanted, path: DocumentPath): void {
  let at = root;
  for (const key of path) {
    const within: Wanted = at.within.get(key) ?? { offset: undefined, within: new Map() };
    at.within.set(key, within);
    at = within;
  }
}

function offsetIn(root: Wanted, path: DocumentPath): number {
  let at = root;
  let offset = root.offset ?? 0;
  for (const key of path) {
    const within = at.within.get(key);
    if (within?.offset === undefined) return offset;
    offset = within.offset;
    at = within;
  }
  return offset;
}
