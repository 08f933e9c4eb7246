import type { Line } from './line.ts';

/** The slots of one worker, and which of its lines may fill them. */
export class Slots {
  /** How many steps the worker takes over this connection at the same time. */
  window = 0;
  /** Set aside for exchanges in progress. */
  aside = 0;
  /** Lines that asked when there was nothing. */
  readonly #hungry = new Set<Line>();

  free(taken: number): number {
    return Math.max(0, this.window - taken - this.aside);
  }

  /** A line that got nothing the last time comes first: a busy line then can't keep the other from its share. */
  offer(line: Line, free: number): number {
    const isOthersTurn = this.#hungry.size > 0 && !this.#hungry.has(line);
    const offered = isOthersTurn ? Math.floor(free / 2) : free;
    if (offered > 0) this.#hungry.delete(line);
    else this.#hungry.add(line);
    return offered;
  }

  /** Whether a line would make use of a slot at once. */
  isWantedBy(line: Line): boolean {
    return this.#hungry.has(line) || !line.isDry;
  }
}
