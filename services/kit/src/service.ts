import { collectDefaultMetrics, Registry } from 'prom-client';
import type { TObject } from 'typebox';
import { loadConfig, readToken, type Config } from './config.ts';
import { messageOf, OrreryError } from './errors.ts';
import { createApp, drain, endConnections, type App, type Identity } from './http.ts';
import { createLog, type Log } from './log.ts';
import { followRelease } from './release-file.ts';

/** What a service is handed: everything from outside, nothing global. */
export interface ServiceContext<Settings extends TObject> {
  readonly config: Config<Settings>;
  readonly token: string;
  readonly log: Log;
  readonly metrics: Registry;
  readonly identity: Identity;
}

/** A service between its start and its stop. `create` must do no work: it wires, `start` connects. */
export interface Service {
  routes(app: App): void;
  start(): Promise<void>;
  /** What is missing until requests can be served; empty when ready. */
  missing(): Promise<readonly string[]>;
  /** Ends background work and closes clients, after the last request was answered. */
  stop(): Promise<void>;
  /** Called when draining begins, before requests end: stop taking work from queues. */
  drain?(): Promise<void>;
}

export interface ServiceProgram<Settings extends TObject> {
  readonly description: string;
  readonly settings: Settings;
  readonly create: (context: ServiceContext<Settings>) => Service;
  /** Largest request body in bytes; default 8 MiB. */
  readonly bodyBytesMax?: number;
}

const bodyBytesMaxDefault = 8 * 1024 * 1024;

/**
 * Runs a service as a process: configuration, start, ready, signals, drain, exit. Exit codes: 0 stopped, 1 failed, 2 the
 * configuration is wrong. `main.ts` hands over its `process`.
 */
export async function runService<Settings extends TObject>(
  host: NodeJS.Process,
  program: ServiceProgram<Settings>,
): Promise<void> {
  let config: Config<Settings>;
  let token: string;
  try {
    config = loadConfig(host.argv, program.settings);
    token = readToken(config.tokenFile);
  } catch (error) {
    const hint = error instanceof OrreryError ? error.hint : '';
    host.stderr.write(`${messageOf(error)}\n${hint}\n`);
    host.exit(2);
  }
  const log = createLog({ service: config.service, level: config.logLevel, release: config.release });
  const identity: Identity = {
    service: config.service,
    environment: config.environment,
    version: config.version,
    release: config.release,
  };
  const metrics = new Registry();
  metrics.setDefaultLabels({ service: config.service });
  collectDefaultMetrics({ register: metrics });
  const service = program.create({ config, token, log, metrics, identity });
  const running = new RunningService(host, { config, token, log, metrics, identity }, service);
  try {
    await running.start(program);
  } catch (error) {
    log.fatal({ err: error }, 'the service did not start');
    host.stderr.write(`${messageOf(error)}\n${error instanceof OrreryError ? error.hint : ''}\n`);
    host.exit(1);
  }
}

class RunningService<Settings extends TObject> {
  private readonly host: NodeJS.Process;
  private readonly context: ServiceContext<Settings>;
  private readonly service: Service;
  private app: App | undefined;
  private draining = false;
  /** No other instance takes over: told by who stops this one. */
  private isLast = false;

  constructor(host: NodeJS.Process, context: ServiceContext<Settings>, service: Service) {
    this.host = host;
    this.context = context;
    this.service = service;
  }

  async start(program: ServiceProgram<Settings>): Promise<void> {
    const { config, token, log, metrics, identity } = this.context;
    this.app = await createApp({
      identity,
      description: program.description,
      token,
      log,
      metrics,
      missing: async () => (this.draining ? ['draining'] : this.service.missing()),
      bodyBytesMax: program.bodyBytesMax ?? bodyBytesMaxDefault,
    });
    endConnections(this.app, () => this.draining);
    this.service.routes(this.app);
    this.host.on('message', (message) => this.onMessage(message));
    if (config.releaseFile !== undefined) followRelease(config.releaseFile, { identity, log });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) this.host.on(signal, () => void this.stop());
    this.host.on('uncaughtException', (error) => this.fail(error));
    this.host.on('unhandledRejection', (error) => this.fail(error));
    await this.service.start();
    await this.app.listen({ host: config.host, port: config.port });
    log.info({ port: config.port }, 'listening');
    this.host.send?.({ type: 'listening' });
  }

  private onMessage(message: unknown): void {
    const told = message as { type?: string; release?: string };
    if (told.type === 'ending') this.isLast = true;
    if (told.type === 'identity' && told.release !== undefined) this.context.identity.release = told.release;
  }

  private fail(error: unknown): void {
    this.context.log.fatal({ err: error }, 'an error that nobody handled');
    this.host.exit(1);
  }

  private async stop(): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    const { log, config } = this.context;
    log.info('draining');
    const deadline = setTimeout(() => this.host.exit(1), config.drainMs * 2 + 5000);
    try {
      await this.service.drain?.();
      if (this.app !== undefined) await drain(this.app, config.drainMs, () => this.isLast);
      await this.service.stop();
      clearTimeout(deadline);
      log.info('stopped');
      this.host.exit(0);
    } catch (error) {
      log.fatal({ err: error }, 'the stop failed');
      this.host.exit(1);
    }
  }
}
