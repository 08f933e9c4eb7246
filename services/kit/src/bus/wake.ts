export interface WaitOptions {
  /** `count` when the waiter last looked: a wake-up since then ends the wait at once. */
  readonly seen: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Also ends the wait. */
  readonly until?: Promise<unknown>;
}

/** Lets many wait for the next wake-up, without losing one that came between looking and waiting. */
export class Wake {
  #count = 0;
  #waiters = new Set<() => void>();

  get count(): number {
    return this.#count;
  }

  wake(): void {
    this.#count += 1;
    for (const end of this.#waiters) end();
  }

  /** Resolves at the next wake-up, the timeout, the abort, or when `until` settles: whichever is first. */
  wait(options: WaitOptions): Promise<void> {
    const { seen, timeoutMs, signal, until } = options;
    if (this.#count !== seen || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        this.#waiters.delete(end);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      signal?.addEventListener('abort', end, { once: true });
      this.#waiters.add(end);
      until?.then(end, end);
    });
  }
}
