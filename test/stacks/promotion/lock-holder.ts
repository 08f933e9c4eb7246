import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Places } from '#stacks/release/places.ts';

/** A process of its own that asks for a lock; what it says comes line by line. */
export class LockHolder {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(places: Places, environment: string, options: { leaseMs?: number; waitMs?: number } = {}) {
    const { leaseMs = 60_000, waitMs = 0 } = options;
    const program = join(import.meta.dirname, 'lock-holder-process.ts');
    const words = [program, places.root, places.state, environment, String(leaseMs), String(waitMs)];
    this.child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const output = this.child.stdout;
    if (output === null) throw new TypeError('no output');
    this.#lines = createInterface({ input: output })[Symbol.asyncIterator]();
  }

  /** The next line that it says; `gone` once it has ended. */
  async next(): Promise<string> {
    const line = await this.#lines.next();
    return line.done === true ? 'gone' : line.value;
  }

  /** Tells it a line, and returns its answer. */
  async ask(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`);
    return this.next();
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}
