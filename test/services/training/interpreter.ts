import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

export const repository = path.join(import.meta.dirname, '../../..');
export const trainer = path.join(repository, 'services/training');

/** The Python in which the trainer's locked packages stand: the one that `npm test` names, else the first that was set up here. */
export function findPython(env: NodeJS.ProcessEnv): string {
  const named = env['ORRERY_PYTHON'];
  if (named !== undefined && named !== '') return named;
  const folder = path.join(repository, '.orrery/python');
  const made = existsSync(folder) ? readdirSync(folder).sort() : [];
  const found = made.map((name) => path.join(folder, name, 'bin/python')).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new Error(
    'no Python with the packages of services/training/requirements.lock: type `npm test`, which sets one up, or set ' +
      'ORRERY_PYTHON to the interpreter of such an environment',
  );
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const runMsMax = 170_000;

/** Runs Python to its end with this environment and nothing else of ours. */
export function runPython(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv } = { cwd: trainer },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(findPython(process.env), args, {
      cwd: options.cwd,
      env: options.env ?? {},
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: runMsMax,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
