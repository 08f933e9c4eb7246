import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const TAIL_CHARS_MAX = 16_000;
/** What a shell answers for a program that it can't start. */
const NOT_STARTED = 127;

export interface ExecutionOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** Called with each line of the standard output as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface Execution {
  /** Null when the program was ended by a signal, the time limit's included. */
  readonly code: number | null;
  /** The last 16,000 characters of what it printed on either stream. */
  readonly output: string;
}

/** Runs a program without a shell and without input. Never rejects: how it ended is for the caller to judge. */
export function execute(program: string, args: readonly string[], options: ExecutionOptions): Promise<Execution> {
  return new Promise((resolve) => {
    const { env, timeoutMs, cwd, onLine } = options;
    const child = spawn(program, args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-TAIL_CHARS_MAX);
      });
    }
    if (onLine !== undefined) createInterface({ input: child.stdout }).on('line', onLine);
    // Node's own time limit goes on ticking after a program that could not be started, and holds the process.
    const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const end = (code: number | null, text: string): void => {
      clearTimeout(limit);
      resolve({ code, output: text });
    };
    child.once('error', (error) => end(NOT_STARTED, error.message));
    child.once('close', (code) => end(code, output));
  });
}

/** The last line that begins like an error, without its mark: what pip and apt say in the end. */
export function lastErrorIn(output: string): string {
  const lines = output.split('\n').map((line) => line.trim());
  const marked = lines.filter((line) => /^(E:|ERROR:|Error:)\s/.test(line)).map((line) => line.replace(/^\S+\s+/, ''));
  return marked.at(-1) ?? lines.findLast((line) => line !== '') ?? 'it printed nothing';
}
