import cluster from 'node:cluster';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '@orrery/kit/clock';
import { startFailed, type Running } from './child.ts';
import type { Launch } from './launch.ts';
import type { LogFile } from './log-file.ts';
import { stopProcess } from './redis-server.ts';

const readyMs = 120_000;

/**
 * Starts a service from its bundle as a cluster worker: workers share the listening socket that the supervisor keeps, so that a
 * replacement takes over the same port, and its queue of connections, without a gap. The service itself just listens.
 */
export function runService(launch: Launch, configs: string, log: LogFile): Running {
  const configFile = writeConfig(launch, configs);
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: join(launch.folder, 'src', 'main.mjs'),
    args: ['--config', configFile],
    cwd: launch.folder,
    silent: true,
    execArgv: ['--disable-warning=TimeoutNegativeWarning'],
  });
  const worker = cluster.fork();
  worker.on('error', (error) => log.write(Buffer.from(`${error.message}\n`)));
  log.collect(worker.process.stdout);
  log.collect(worker.process.stderr);
  const ended = new Promise<string>((resolve) => {
    worker.once('exit', (code) => resolve(worker.process.signalCode ?? `exit code ${code}`));
  });
  const listening = new Promise<void>((resolve) => worker.once('listening', () => resolve()));
  const failed = (how: string) => startFailed(launch.name, `${how} ${log.lastLines(3)}`.trim(), log.path);
  const settled = new AbortController();
  const silent = systemClock.sleep(readyMs, settled.signal).then((elapsed) => {
    if (elapsed) throw failed(`it did not listen within ${readyMs / 1000} s`);
  });
  return {
    pid: worker.process.pid ?? 0,
    ended,
    ready: Promise.race([listening, ended.then((how) => Promise.reject(failed(how))), silent]).finally(() =>
      settled.abort(),
    ),
    stop: () => stopProcess(worker.process, ended, launch.drainMs * 2 + 10_000),
    tell: (message) => {
      // A worker that ends in between needs no message.
      if (worker.isConnected()) worker.send(message, () => undefined);
    },
  };
}

/** One file a launch, since an old instance and its replacement have each their own. */
function writeConfig(launch: Launch, configs: string): string {
  mkdirSync(configs, { recursive: true, mode: 0o700 });
  const file = join(configs, `${launch.name}-${launch.inputs.slice(7, 19)}.json`);
  writeFileSync(file, JSON.stringify({ ...launch.config, release: launch.release }, null, 2), { mode: 0o600 });
  chmodSync(file, 0o600);
  return file;
}
