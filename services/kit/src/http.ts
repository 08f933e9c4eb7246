import { timingSafeEqual } from 'node:crypto';
import { Server as NetServer } from 'node:net';
import fastifySwagger from '@fastify/swagger';
import { Ajv2020 } from 'ajv/dist/2020.js';
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Registry } from 'prom-client';
import { OrreryError } from './errors.ts';
import type { Log } from './log.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is served. */
    tenant: string;
    /** Who asked. */
    actor: string;
  }
}

export type App = FastifyInstance;

export interface Identity {
  readonly service: string;
  readonly environment: string;
  readonly version: { readonly own: string; readonly closure: string };
  /** The release that this instance belongs to; a pin that leaves the instance's inputs alone changes only this. */
  release: string;
}

export interface AppOptions {
  readonly identity: Identity;
  readonly description: string;
  readonly token: string;
  readonly log: Log;
  readonly metrics: Registry;
  /** What is missing until this instance can serve; empty when ready. */
  readonly missing: () => Promise<readonly string[]>;
  readonly bodyBytesMax: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who asks is told by something else than the token, such as a signature. */
    open?: boolean;
  }
}

const openPaths = new Set(['/healthz', '/readyz', '/metrics', '/openapi.json']);
const idleCheckMs = 50;
const namePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** An app with health, readiness, metrics, OpenAPI, authentication, tenancy and one shape of error. Routes come after. */
export async function createApp(options: AppOptions): Promise<App> {
  const loggerInstance: FastifyBaseLogger = options.log;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyBytesMax,
    requestTimeout: 120_000,
    forceCloseConnections: false,
    return503OnClosing: false,
  });
  const bodies = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, coerceTypes: false });
  const queries = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, coerceTypes: true });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodies : queries).compile(schema as object),
  );
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url}`;
    return reply.code(404).send(errorBody('ROUTE_NOT_FOUND', message, 'GET /openapi.json lists what is there'));
  });
  app.decorateRequest('tenant', 'main');
  app.decorateRequest('actor', 'local');
  app.addHook('onRequest', async (request, reply) => admit(request, reply, options.token));
  await app.register(fastifySwagger, {
    openapi: {
      info: { title: `Orrery ${options.identity.service}`, description: options.description, version: '1' },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
      security: [{ bearer: [] }],
    },
  });
  addProbes(app, options);
  return app;
}

function addProbes(app: App, options: AppOptions): void {
  const { identity } = options;
  app.get('/healthz', { schema: { hide: true } }, () => ({
    service: identity.service,
    status: 'ok',
    environment: identity.environment,
    release: identity.release,
    version: identity.version,
  }));
  app.get('/readyz', { schema: { hide: true } }, async (_request, reply) => {
    const missing = await options.missing();
    return reply.code(missing.length === 0 ? 200 : 503).send({ ready: missing.length === 0, missing });
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

async function admit(request: FastifyRequest, reply: FastifyReply, token: string): Promise<void> {
  const path = request.url.split('?')[0] ?? '';
  if (!openPaths.has(path) && request.routeOptions.config.open !== true) {
    const given = request.headers.authorization?.replace(/^Bearer /i, '') ?? '';
    if (!sameText(given, token)) {
      const hint = 'send Authorization: Bearer <token>; locally the token lies in .orrery/state/token';
      return reply.code(401).send(errorBody('UNAUTHENTICATED', 'the token is missing or wrong', hint));
    }
  }
  request.tenant = nameHeader(request, 'x-orrery-tenant', 'main');
  request.actor = nameHeader(request, 'x-orrery-actor', 'local');
}

function nameHeader(request: FastifyRequest, header: string, fallback: string): string {
  const value = request.headers[header] ?? fallback;
  if (typeof value === 'string' && namePattern.test(value)) return value;
  const message = `the header ${header} is "${String(value)}"`;
  throw new OrreryError({ code: 'NAME_INVALID', message, hint: 'lower-case letters, digits, hyphens; at most 63' });
}

/** Compares in a time that tells nothing about the secret. */
export function sameText(given: string, expected: string): boolean {
  const left = Buffer.from(given);
  const right = Buffer.from(expected);
  return left.length === right.length && timingSafeEqual(left, right);
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof OrreryError) {
    if (error.retry === 'retryable') void reply.header('retry-after', '1');
    return reply.code(error.status).send(errorBody(error.code, error.message, error.hint));
  }
  const failure = error as { statusCode?: number; code?: string; message: string; validation?: ValidationIssue[] };
  if (failure.validation !== undefined) {
    const problems = failure.validation.map((issue) => {
      const extra = issue.params?.['additionalProperty'];
      const place = issue.instancePath.slice(1).replaceAll('/', '.') || 'the request';
      return `${place} ${issue.message ?? 'is not valid'}${typeof extra === 'string' ? `: "${extra}"` : ''}`;
    });
    const body = errorBody('REQUEST_INVALID', problems.join('; '), 'GET /openapi.json has the schema of this route');
    return reply.code(400).send({ error: { ...body.error, problems } });
  }
  const status = failure.statusCode ?? 500;
  if (status < 500) {
    return reply.code(status).send(errorBody(failure.code ?? 'REQUEST_REFUSED', failure.message, 'mend the request'));
  }
  request.log.error({ err: error }, 'request failed');
  return reply.code(500).send(errorBody('INTERNAL', 'the service failed', "the cause is in the service's log"));
}

interface ValidationIssue {
  readonly instancePath: string;
  readonly message?: string;
  readonly params?: Record<string, unknown>;
}

function errorBody(
  code: string,
  message: string,
  hint: string,
): { error: { code: string; message: string; hint: string } } {
  return { error: { code, message, hint } };
}

/**
 * Stops accepting, lets every open connection finish what it asks and tells it to go elsewhere (`connection: close`), then closes
 * what stayed idle until the deadline. Closing idle connections at once would fail a request that is just being sent on one; where
 * no other instance follows, such a request fails anyway, and idle connections are not waited for.
 */
export async function drain(app: App, deadlineMs: number, nobodyFollows: () => boolean): Promise<void> {
  const server = app.server;
  const closed = new Promise<void>((resolve) => {
    // The HTTP server's own close() also closes idle connections, which is what must not happen yet.
    NetServer.prototype.close.call(server, () => resolve());
  });
  const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs);
  const idle = setInterval(() => {
    if (nobodyFollows()) server.closeIdleConnections();
  }, idleCheckMs);
  await closed;
  clearTimeout(deadline);
  clearInterval(idle);
}

/** From here on each answer ends its connection. Set before `drain`. */
export function endConnections(app: App, draining: () => boolean): void {
  app.addHook('onSend', async (_request, reply) => {
    if (draining()) void reply.header('connection', 'close');
  });
}
