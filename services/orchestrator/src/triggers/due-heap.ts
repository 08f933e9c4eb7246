/** What is due when: the earliest first, in logarithmic time, however many there are. */
export class DueHeap<T> {
  readonly #heap: { readonly atMs: number; readonly item: T }[] = [];

  get earliestMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  push(atMs: number, item: T): void {
    const heap = this.#heap;
    let place = heap.length;
    const entry = { atMs, item };
    heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.atMs <= atMs) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = entry;
  }

  /** Takes the earliest that is due by then. */
  pop(untilMs: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > untilMs) return undefined;
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first.item;
  }

  #sink(entry: { readonly atMs: number; readonly item: T }): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      const least = right !== undefined && left !== undefined && right.atMs < left.atMs ? right : left;
      if (least === undefined || least.atMs >= entry.atMs) break;
      heap[place] = least;
      place = 2 * place + (least === right ? 2 : 1);
    }
    heap[place] = entry;
  }
}
