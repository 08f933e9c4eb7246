/** Answers that are given in the order of the questions, however they come in. */
export class Answers<T> {
  #values: (T | undefined)[] = [];
  /** The number of the first that is not given. */
  #first = 0;
  #asked = 0;

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  /** Keeps the next place; its number is for `settle`. */
  open(): number {
    this.#values.push(undefined);
    this.#asked += 1;
    return this.#asked - 1;
  }

  settle(place: number, value: T): void {
    this.#values[place - this.#first] = value;
  }

  /** What can be given, which is then forgotten. */
  take(): T[] {
    const open = this.#values.indexOf(undefined);
    const ready = this.#values.splice(0, open === -1 ? this.#values.length : open);
    this.#first += ready.length;
    return ready.filter((value) => value !== undefined);
  }
}
