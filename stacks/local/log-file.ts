import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const bytesDefaultMax = 20 * 1024 * 1024;
const tailBytes = 4000;

/** A process's output in `logs/<name>.log`, with one earlier file kept: at most 40 MiB a process. */
export class LogFile {
  readonly path: string;
  private readonly bytesMax: number;
  private readonly descriptor: number;
  private bytes: number;
  private tail = '';

  constructor(folder: string, name: string, options: { bytesMax?: number } = {}) {
    this.bytesMax = options.bytesMax ?? bytesDefaultMax;
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${name}.log`);
    this.descriptor = openSync(this.path, 'a', 0o600);
    this.bytes = statSync(this.path).size;
  }

  collect(stream: Readable | null | undefined): void {
    stream?.on('data', (chunk: Buffer) => this.write(chunk));
  }

  write(chunk: Buffer): void {
    if (this.bytes > this.bytesMax) this.rotate();
    this.bytes += writeSync(this.descriptor, chunk);
    this.tail = (this.tail + chunk.toString('utf8')).slice(-tailBytes);
  }

  /** The last plain lines, for the message when a process does not start. */
  lastLines(count: number): string {
    const lines = this.tail.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('{'));
    return lines.slice(-count).join(' ');
  }

  /** The file stays the same one, since others may append to it too: the deployer's own last words go to it past this class. */
  private rotate(): void {
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path);
    this.bytes = 0;
  }
}

/** The end of a log, for `orrery logs`. */
export function readTail(path: string, lines: number): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines);
}
