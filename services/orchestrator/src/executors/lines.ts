/** Cuts a stream of bytes into lines of at most so many bytes; the rest of a longer line is dropped. */
export class LineCutter {
  readonly #bytesMax: number;
  readonly #onLine: (line: string) => void;
  #held: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number, onLine: (line: string) => void) {
    this.#bytesMax = bytesMax;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      this.#hold(rest.subarray(0, end));
      this.#flush();
      rest = rest.subarray(end + 1);
    }
    this.#hold(rest);
  }

  /** The stream has ended: what is held is its last line. */
  end(): void {
    if (this.#bytes > 0) this.#flush();
  }

  #hold(part: Buffer): void {
    const room = this.#bytesMax - this.#bytes;
    if (room <= 0 || part.length === 0) return;
    // A copy: the part is a view on a larger chunk that would be kept alive.
    this.#held.push(Buffer.from(part.subarray(0, room)));
    this.#bytes += Math.min(room, part.length);
  }

  #flush(): void {
    this.#onLine(Buffer.concat(this.#held).toString('utf8').replace(/\r$/, ''));
    this.#held = [];
    this.#bytes = 0;
  }
}
