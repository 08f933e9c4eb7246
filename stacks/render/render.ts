import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError } from '../errors.ts';
import { machineOf } from './machine.ts';
import type { Perturbation, RenderEnd, RenderRequest } from './protocol.ts';

/** A render that takes longer is stuck: 4,000 resources take a tenth of it. */
const renderTimeoutMs = 300_000;
const answerBytesMax = 512 * 1024 * 1024;
const shownBytesMax = 4000;

export interface ChildRequest extends Omit<RenderRequest, 'program' | 'project' | 'perturbation'> {
  /** Holds `platform.mjs`, `renderer.mjs` and `node_modules`. */
  readonly folder: string;
  /** The machine to make up for the program. Default: an empty environment and otherwise the machine as it is. */
  readonly perturbation?: Perturbation;
}

export interface ChildAnswer {
  /** The graph as it is digested: one resource a line, sorted by URN. */
  readonly text: string;
  readonly resources: number;
  readonly peakMemoryBytes: number;
  readonly elapsedMs: number;
}

/** The project's name in Pulumi.yaml: part of every URN. */
const project = 'orrery';

/**
 * Renders in a process of its own that sees neither environment nor files beside its bundle and its packages. Throws one
 * CommandError with the code that the renderer gives, naming resource and property where they are known.
 */
export async function renderInChild({ folder, perturbation, ...request }: ChildRequest): Promise<ChildAnswer> {
  const machine = machineOf(perturbation);
  const bundle = realpathSync(folder);
  const document: RenderRequest = {
    ...request,
    program: join(bundle, 'platform.mjs'),
    project,
    ...(perturbation === undefined ? {} : { perturbation }),
  };
  const startedMs = performance.now();
  try {
    const said = await run(bundle, machine, JSON.stringify(document));
    return { ...readAnswer(said), elapsedMs: performance.now() - startedMs };
  } finally {
    machine.remove();
  }
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

function run(bundle: string, machine: ReturnType<typeof machineOf>, input: string): Promise<Said> {
  const readable = [bundle, ...packageFolders(bundle), ...(machine.folder === undefined ? [] : [machine.folder])];
  const words = [
    '--permission',
    ...readable.map((folder) => `--allow-fs-read=${folder}`),
    // The SDK captures a stack for every promise; nobody reads them here.
    '--stack-trace-limit=0',
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    join(bundle, 'renderer.mjs'),
  ];
  const child = spawn(process.execPath, words, {
    cwd: machine.folder ?? bundle,
    env: machine.environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: renderTimeoutMs,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    let [bytes, stderr] = [0, ''];
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > answerBytesMax) child.kill('SIGKILL');
      else stdout.push(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = `${stderr}${text}`.slice(-shownBytesMax);
    });
    // A renderer that ends before it has read its request says why on its own.
    child.stdin.on('error', () => undefined).end(input);
    child.once('error', reject);
    child.once('close', (code) => resolve({ stdout: Buffer.concat(stdout).toString('utf8'), stderr, code }));
  });
}

/** Where packages really lie: a bundle's `node_modules` is a link, and may be a folder of links. */
function packageFolders(bundle: string): string[] {
  const packages = realpathSync(join(bundle, 'node_modules'));
  const sdk = realpathSync(join(packages, '@pulumi', 'pulumi'));
  return [...new Set([packages, dirname(dirname(sdk))])];
}

function readAnswer({ stdout, stderr, code }: Said): Omit<ChildAnswer, 'elapsedMs'> {
  const cut = stdout.lastIndexOf('\n', stdout.length - 2) + 1;
  const last = parseEnd(stdout.slice(cut));
  if (last === undefined) {
    throw new CommandError({
      code: 'RENDER_CRASHED',
      message: `the renderer ended with ${code ?? 'a signal'} and without an answer:\n${stderr.trim()}`,
      hint: 'try again; where it happens again the program or the memory is at fault',
    });
  }
  if ('error' in last) {
    const { message, urn, property, ...rest } = last.error;
    const place = [urn, property].filter((part) => part !== undefined && !message.includes(part));
    throw new CommandError({ ...rest, message: `${message}${place.length > 0 ? ` (${place.join(' ')})` : ''}` });
  }
  return { text: stdout.slice(0, cut), ...last.end };
}

function parseEnd(line: string): RenderEnd | undefined {
  try {
    const end = JSON.parse(line) as Partial<Record<'end' | 'error', unknown>>;
    return end.end === undefined && end.error === undefined ? undefined : (end as RenderEnd);
  } catch {
    return undefined;
  }
}
