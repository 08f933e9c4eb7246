import { closest } from 'fastest-levenshtein';
import { problemsMax, type PathProblem } from '../schema-problems.ts';

export type Path = readonly (string | number)[];

/** What checks have found so far. Past the bound nothing is kept, nor is a nearest word looked for among many. */
export class Findings {
  readonly problems: PathProblem[] = [];

  get some(): boolean {
    return this.problems.length > 0;
  }

  get full(): boolean {
    return this.problems.length >= problemsMax;
  }

  add(path: Path, message: string, hint: string | (() => string)): void {
    if (this.full) return;
    this.problems.push({ path, message, hint: typeof hint === 'string' ? hint : hint() });
  }

  /** Each word that stands a second time in a list. */
  addDoubled(path: Path, words: readonly string[], what: string): void {
    const seen = new Set<string>();
    for (const [index, word] of words.entries()) {
      if (seen.has(word)) {
        this.add([...path, index], `the ${what} "${word}" stands here twice`, 'once is enough: delete one');
      }
      seen.add(word);
    }
  }
}

const knownShownMax = 20;
const wordCharactersMax = 200;

export function nearest(word: string, words: readonly string[]): string {
  if (words.length === 0) return 'there is none to name here';
  const more = words.length > knownShownMax ? `, … (${words.length} in all)` : '';
  const known = words.slice(0, knownShownMax).join(', ');
  return `did you mean "${closest(word.slice(0, wordCharactersMax), [...words])}"? known: ${known}${more}`;
}
