/** Members by score, ties by name: what Redis calls a sorted set. */
export class Ranking {
  readonly #scores = new Map<string, number>();

  get size(): number {
    return this.#scores.size;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  set(member: string, score: number): void {
    this.#scores.set(member, score);
  }

  /** Raises the score of a member; one that is missing begins at 0. */
  add(member: string, more: number): void {
    this.#scores.set(member, (this.#scores.get(member) ?? 0) + more);
  }

  /** Says whether there was anything to remove. */
  remove(member: string): boolean {
    return this.#scores.delete(member);
  }

  first(): string | undefined {
    return this.entries()[0]?.[0];
  }

  /** Members with at most this score, in order. */
  upTo(score: number): string[] {
    return this.entries()
      .filter(([, each]) => each <= score)
      .map(([member]) => member);
  }

  entries(): [member: string, score: number][] {
    return [...this.#scores].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }
}
