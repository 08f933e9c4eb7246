import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { waitUntil, type Meter } from '../measure.ts';
import { findFreePort } from '../redis-server.ts';

const main = path.join(import.meta.dirname, '../../../services/clickhouse/src/main.ts');
const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;

export interface History {
  readonly url: string;
  stop(): Promise<void>;
}

/** The embedded ClickHouse as a process of its own; its token is the one in the folder. */
export async function startHistory(folder: string, meter: Meter): Promise<History> {
  const port = await findFreePort();
  const digest = `sha256:${'0'.repeat(64)}`;
  const config = path.join(folder, 'clickhouse.json');
  const settings = {
    ...{ service: 'clickhouse', environment: 'bench', release: digest, version: { own: digest, closure: digest } },
    ...{ host: '127.0.0.1', port, tokenFile: path.join(folder, 'token'), dataFolder: path.join(folder, 'clickhouse') },
    ...{ drainMs: 1000, settings: {} },
  };
  writeFileSync(config, JSON.stringify(settings));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (child.pid !== undefined) meter.watch(child.pid, 'server');
  const url = `http://127.0.0.1:${port}`;
  const answers = () =>
    fetch(`${url}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
  const isUp = async () => child.exitCode !== null || (await answers());
  await waitUntil(isUp, startTimeoutMs, 'ClickHouse being ready');
  if (child.exitCode !== null) throw new Error(`ClickHouse exited with ${child.exitCode}`);
  return {
    url,
    async stop() {
      if (child.pid !== undefined) meter.release(child.pid);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await exited;
      clearTimeout(timer);
    },
  };
}
