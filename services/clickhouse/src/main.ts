import { once } from 'node:events';
import { loadConfig, readToken } from '@orrery/kit/config';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import { createLog } from '@orrery/kit/log';
import { followRelease } from '@orrery/kit/release-file';
import { Settings } from './config.ts';
import { openEngine } from './engine.ts';
import { createClickHouseServer } from './http.ts';

const idleCheckMs = 50;

async function start(host: NodeJS.Process): Promise<void> {
  const config = loadConfig(host.argv, Settings);
  const { dataFolder, service, environment, release, version } = config;
  const missing = { code: 'CONFIG_INVALID', message: 'dataFolder is missing', hint: 'name a folder of its own' };
  if (dataFolder === undefined) throw new OrreryError(missing);
  // Every query holds a thread of libuv's pool: by its default of 4 the others would wait behind them.
  host.env['UV_THREADPOOL_SIZE'] = String(config.settings.sessions + 4);
  const [token, identity] = [readToken(config.tokenFile), { service, environment, release, version }];
  const log = createLog({ service, release, level: config.logLevel });
  if (config.releaseFile !== undefined) followRelease(config.releaseFile, { identity, log });
  const engine = await openEngine(dataFolder, config.settings);
  const server = createClickHouseServer(engine, identity, token, log);
  const stop = (): void => {
    if (!server.listening) return;
    log.info('draining');
    setInterval(() => server.closeIdleConnections(), idleCheckMs);
    setTimeout(() => server.closeAllConnections(), config.drainMs);
    server.close(() => void engine.close().finally(() => host.exit(0)));
  };
  host.on('message', (told: { type?: string; release?: string }) => {
    if (told.type === 'identity' && told.release !== undefined) identity.release = told.release;
  });
  await once(server.listen({ host: config.host, port: config.port }), 'listening');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) host.on(signal, stop);
  log.info({ address: server.address() }, 'listening');
  host.send?.({ type: 'listening' });
}

/** Exit codes: 0 stopped, 1 failed, 2 the configuration is wrong. */
try {
  await start(process);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n${error instanceof OrreryError ? `${error.hint}\n` : ''}`);
  process.exit(error instanceof OrreryError && error.code.startsWith('CONFIG_') ? 2 : 1);
}
