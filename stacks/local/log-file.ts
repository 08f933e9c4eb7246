import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const bytesMax = 20 * 1024 * 1024;
const tailBytes = 4000;

/** A process's output in `logs/<name>.log`, with one earlier file kept: at most 40 MiB a process. */
export class LogFile {
  readonly path: string;
  private descriptor: number;
  private bytes: number;
  private tail = '';

  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true });
    this.path = join(folder, `${name}.log`);
    this.descriptor = openSync(this.path, 'a', 0o600);
    this.bytes = statSync(this.path).size;
  }

  collect(stream: Readable | null | undefined): void {
    stream?.on('data', (chunk: Buffer) => this.write(chunk));
  }

  write(chunk: Buffer): void {
    if (this.bytes > bytesMax) this.rotate();
    this.bytes += writeSync(this.descriptor, chunk);
    this.tail = (this.tail + chunk.toString('utf8')).slice(-tailBytes);
  }

  /** The last plain lines, for the message when a process does not start. */
  lastLines(count: number): string {
    const lines = this.tail.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('{'));
    return lines.slice(-count).join(' ');
  }

  private rotate(): void {
    closeSync(this.descriptor);
    renameSync(this.path, `${this.path}.1`);
    this.descriptor = openSync(this.path, 'a', 0o600);
    this.bytes = 0;
  }
}

/** The end of a log, for `orrery logs`. */
export function readTail(path: string, lines: number): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-lines);
}
