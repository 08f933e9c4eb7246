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

  /** Says whether there was anything to remove. */
  remove(member: string): boolean {
    return this.#scores.delete(member);
  }

  first(): string | undefined {
    return this.entries()[0]?.[0];
  }

  /** Takes the first members out. */
  pop(count: number): string[] {
    const members = this.entries()
      .slice(0, count)
      .map(([member]) => member);
    for (const member of members) this.#scores.delete(member);
    return members;
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

/** Rankings by name, made when first asked for. */
export class Rankings {
  readonly #found = new Map<string, Ranking>();

  of(name: string): Ranking {
    const found = this.#found.get(name) ?? new Ranking();
    this.#found.set(name, found);
    return found;
  }

  /** Those that hold anything. */
  all(): [name: string, ranking: Ranking][] {
    return [...this.#found].filter(([, { size }]) => size > 0);
  }

  delete(name: string): void {
    this.#found.delete(name);
  }
}
