/** How many attempts of a kind this process may begin, over all shards: what one client asks for, no other may have. */
export class Room {
  #free: number;

  constructor(attemptsMax: number) {
    this.#free = attemptsMax;
  }

  /** Takes as much as there is, at most `wanted`. */
  reserve(wanted: number): number {
    const got = Math.max(0, Math.min(wanted, this.#free));
    this.#free -= got;
    return got;
  }

  giveBack(attempts: number): void {
    this.#free += attempts;
  }
}
