import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { openDoor } from '#services/orchestrator/src/door/admission.ts';
import { Door } from '#services/orchestrator/src/door/door.ts';
import type { DoorOptions } from '#services/orchestrator/src/door/types.ts';
import { currentHost } from '#stacks/setup/host.ts';
import { ensurePython } from '#stacks/setup/python.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeCore } from './fake-core.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const token = 'a-token-of-this-test';
export const leaseMs = 600;
export const resultBytesMax = 64 * 1024;
const root = path.join(import.meta.dirname, '../../..');
const programs = path.join(import.meta.dirname, 'programs');
const pythonPackage = path.join(root, 'services/worker/python');

export type Language = 'typescript' | 'python';

/** What a worker's program tells of its handlers, a line of JSON each. */
export interface Told {
  readonly event: 'started' | 'aborted' | 'refused' | 'closed';
  readonly run?: string;
  readonly fence?: string;
  readonly reason?: string;
  readonly code?: string;
}

/** A real door on a real port before a core in memory, with a proxy on the way. */
export class Place {
  readonly core = new FakeCore({ leaseMs });
  readonly workers: WorkerProcess[] = [];
  proxy = new TcpProxy(0);
  door: Door;
  #servers: Server[] = [];

  constructor() {
    this.door = this.#newDoor();
  }

  async start(): Promise<void> {
    await this.openServer();
    await this.proxy.start();
  }

  get port(): number {
    return (this.#servers.at(-1)?.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Another orchestrator over the same core; the proxy leads there from here on. */
  async openServer(): Promise<void> {
    const door = this.#newDoor();
    this.door = door;
    const server = createServer((_request, response) => response.writeHead(404).end());
    openDoor(server, () => door);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#servers.push(server);
    this.proxy.targetPort = this.port;
  }

  async stop(): Promise<void> {
    for (const worker of this.workers) worker.child.kill('SIGKILL');
    this.proxy.cut();
    await this.door.drain(0);
    await this.proxy.stop();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
    this.core.stop();
  }

  worker(language: Language, options: Partial<WorkerProgram> = {}): WorkerProcess {
    const worker = new WorkerProcess(language, { url: this.proxy.url, token, ...options });
    this.workers.push(worker);
    return worker;
  }

  #newDoor(): Door {
    const options: DoorOptions = {
      token,
      openPool: (demand) => this.core.openPool(demand),
      resolveInput: (claimed) => this.core.resolveInput(claimed),
      shardsOf: () => ['s00'],
      shardOfRun: () => 's00',
      tenantOf: (run) => this.core.tenantOf(run),
      leaseMs,
      graceMs: 400,
      resultBytesMax,
      now: () => Date.now(),
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    };
    return new Door(options);
  }
}

export interface WorkerProgram {
  readonly url: string;
  readonly token: string;
  readonly tenant?: string;
  readonly pool?: string;
  readonly build?: string;
  readonly slots?: number;
  readonly drainMs?: number;
  /** Handlers that this build lacks. */
  readonly without?: readonly string[];
}

/** A worker as its users run it: a process of its own. */
export class WorkerProcess {
  readonly child: ChildProcess;
  readonly told: Told[] = [];
  readonly exited: Promise<number | null>;
  stderr = '';

  constructor(language: Language, program: WorkerProgram) {
    const [command, args, env] = commandOf(language);
    this.child = spawn(command, [...args, JSON.stringify(program)], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null);
    if (this.child.stdout !== null) {
      createInterface({ input: this.child.stdout }).on('line', (line) => this.told.push(JSON.parse(line) as Told));
    }
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async saw(event: Told['event'], run?: string): Promise<Told> {
    const isIt = (told: Told) => told.event === event && (run === undefined || told.run === run);
    return eventually(() => this.told.find(isIt), { what: `${event} ${run ?? ''}: ${this.stderr.slice(-2000)}` });
  }
}

let python = '';

/** The Python in which the library's locked requirement stands, made once under .orrery. */
export async function findPython(): Promise<string> {
  const lockFile = path.join(pythonPackage, 'requirements.lock');
  const progress = (line: string) => process.stderr.write(`      ${line}\n`);
  const environment = await ensurePython({ root, lockFile, host: currentHost(), progress });
  python = environment.python;
  return python;
}

function commandOf(language: Language): [string, string[], NodeJS.ProcessEnv] {
  if (language === 'typescript') return [process.execPath, [path.join(programs, 'worker.ts')], {}];
  const env = { PYTHONPATH: pythonPackage, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };
  return [python, [path.join(programs, 'worker.py')], env];
}
