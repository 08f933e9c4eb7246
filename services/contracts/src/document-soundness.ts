import type { PathProblem } from './schema-problems.ts';

/** What a document may be at most. Each bound is far above what people write and far below what would stall a reader. */
export const documentBounds = {
  /** Bytes of the text as it lies in a file. */
  textBytesMax: 32 * 1024 * 1024,
  depthMax: 64,
  /** Values of all kinds, what aliases repeat counted each time. */
  valuesMax: 8_000_000,
  itemsMax: 100_000,
  keysMax: 10_000,
  keyCharactersMax: 1000,
  scalarCharactersMax: 262_144,
  /** Characters of all keys and strings, what aliases repeat counted each time. */
  charactersMax: 64 * 1024 * 1024,
} as const;

type Key = string | number;

interface Holder {
  readonly value: object;
  readonly key: Key | undefined;
  readonly holder: Holder | undefined;
  readonly depth: number;
}

interface Tally {
  values: number;
  characters: number;
}

type Complaint = Pick<PathProblem, 'message' | 'hint'> | undefined;

/** Tab, line feed and carriage return are text; other control characters, and those that turn the direction, hide what is there. */
const hidden = /(?![\t\n\r])[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069\uFEFF]/u;

/**
 * The first thing in a value that no document may hold: what its digest can't carry, what hides or poisons, or more of anything
 * than the bounds allow. Walks with a stack of its own and stops at the first, so that a hostile value costs no more than an
 * honest one.
 */
export function findUnsound(value: unknown): PathProblem | undefined {
  const tally: Tally = { values: 0, characters: 0 };
  const complaint = judgeScalar(value, tally);
  if (complaint !== undefined) return { path: [], ...complaint };
  if (!isHolder(value)) return undefined;
  const open: Holder[] = [{ value, key: undefined, holder: undefined, depth: 1 }];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const problem = Array.isArray(at.value) ? judgeList(at, open, tally) : judgeObject(at, open, tally);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function judgeList(at: Holder, open: Holder[], tally: Tally): PathProblem | undefined {
  const list = at.value as readonly unknown[];
  if (list.length > documentBounds.itemsMax) {
    const message = `a list of ${list.length} items stands here; the most is ${documentBounds.itemsMax}`;
    return { path: pathOf(at), message, hint: 'cut the list, or put it into the store and name its digest' };
  }
  return judgeHeld(at, list.entries(), open, tally);
}

function judgeObject(at: Holder, open: Holder[], tally: Tally): PathProblem | undefined {
  const prototype: unknown = Object.getPrototypeOf(at.value);
  if (prototype !== Object.prototype && prototype !== null) {
    const hint = 'write it as text, number, boolean, null, list or keys with values';
    return { path: pathOf(at), message: 'this value is none that JSON has', hint };
  }
  const keys = Object.keys(at.value);
  if (keys.length > documentBounds.keysMax) {
    const message = `${keys.length} keys stand beside each other here; the most is ${documentBounds.keysMax}`;
    return { path: pathOf(at), message, hint: 'a list of items holds more' };
  }
  for (const key of keys) {
    const complaint = judgeKey(key);
    if (complaint !== undefined) return { path: [...pathOf(at), key], ...complaint };
    tally.characters += key.length;
  }
  return judgeHeld(at, Object.entries(at.value), open, tally);
}

function judgeHeld(
  at: Holder,
  entries: Iterable<readonly [Key, unknown]>,
  open: Holder[],
  tally: Tally,
): PathProblem | undefined {
  for (const [key, value] of entries) {
    const complaint = judgeScalar(value, tally) ?? judgeTally(tally) ?? judgeDepth(at, value);
    if (complaint !== undefined) return { path: [...pathOf(at), key], ...complaint };
    if (isHolder(value)) open.push({ value, key, holder: at, depth: at.depth + 1 });
  }
  return undefined;
}

function judgeKey(key: string): Complaint {
  if (key.length > documentBounds.keyCharactersMax) {
    const message = `a key of ${key.length} characters stands here; the most is ${documentBounds.keyCharactersMax}`;
    return { message, hint: 'a key is a name: put text into a value' };
  }
  if (key === '<<') {
    return {
      message: 'the merge key "<<" is not known',
      hint: 'write the keys out, or repeat a whole value by an alias',
    };
  }
  // What every JavaScript object has already can't be told from what was written, and poisons the code that looks it up.
  if (key in Object.prototype) return { message: `no key may be called "${key}"`, hint: 'give it another name' };
  if (!hidden.test(key)) return undefined;
  return {
    message: `the key ${JSON.stringify(key)} has a hidden character in it`,
    hint: 'delete the hidden character',
  };
}

function judgeScalar(value: unknown, tally: Tally): Complaint {
  tally.values += 1;
  if (typeof value === 'string') return judgeText(value, tally);
  if (typeof value === 'number') return judgeNumber(value);
  if (value === null || typeof value === 'boolean' || typeof value === 'object') return undefined;
  return { message: `a ${typeof value} stands here`, hint: 'write text, a number, true, false or null' };
}

function judgeText(text: string, tally: Tally): Complaint {
  tally.characters += text.length;
  if (text.length > documentBounds.scalarCharactersMax) {
    const message = `a text of ${text.length} characters stands here; the most is ${documentBounds.scalarCharactersMax}`;
    return { message, hint: 'put it into the store and name its digest' };
  }
  const found = hidden.exec(text);
  if (found === null) return undefined;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return { message: `the text has the hidden character U+${code} in it`, hint: 'delete the hidden character' };
}

function judgeNumber(number: number): Complaint {
  if (!Number.isFinite(number)) {
    return { message: `the number here is ${number}`, hint: 'write a finite number, or text in quotes' };
  }
  if (Object.is(number, -0)) return { message: 'the number here is -0', hint: 'write 0' };
  if (!Number.isInteger(number) || Number.isSafeInteger(number)) return undefined;
  return { message: `the number ${number} is too large to be exact`, hint: 'write it as text in quotes' };
}

function judgeTally({ values, characters }: Tally): Complaint {
  const hint = 'aliases count each time that they stand somewhere: say it once, or cut the document in two';
  if (values > documentBounds.valuesMax) {
    return { message: `the document has more than ${documentBounds.valuesMax} values`, hint };
  }
  if (characters <= documentBounds.charactersMax) return undefined;
  return { message: `the document has more than ${documentBounds.charactersMax} characters`, hint };
}

function judgeDepth(at: Holder, value: unknown): Complaint {
  if (at.depth < documentBounds.depthMax || !isHolder(value)) return undefined;
  const hint = 'take levels out; an alias inside of its own anchor has no end';
  return { message: `deeper than ${documentBounds.depthMax} levels`, hint };
}

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function pathOf(at: Holder): Key[] {
  const keys: Key[] = [];
  for (let place: Holder | undefined = at; place?.key !== undefined; place = place.holder) keys.push(place.key);
  return keys.reverse();
}
