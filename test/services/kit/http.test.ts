import assert from 'node:assert/strict';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import Type from 'typebox';
import { createApp, drain, endConnections, type App } from '@orrery/kit/http';
import { OrreryError } from '@orrery/kit/errors';
import { silentLog } from '@orrery/kit/log';

const token = 'a-token-of-this-test';

describe('the HTTP side of a service', () => {
  let app: App;
  let url: string;
  let draining = false;

  beforeEach(async () => {
    draining = false;
    app = await createApp({
      identity: { service: 'probe', environment: 'test', version: { own: 'o', closure: 'c' }, release: 'r' },
      description: 'a service under test',
      token,
      log: silentLog(),
      metrics: new Registry(),
      missing: async () => [],
      bodyBytesMax: 1000,
    });
    endConnections(app, () => draining);
    const Body = Type.Object({ name: Type.String() }, { additionalProperties: false });
    app.post('/v1/names', { schema: { body: Body } }, (incoming) => ({
      tenant: incoming.tenant,
      actor: incoming.actor,
    }));
    app.get('/v1/busy', () => {
      throw new OrreryError({ code: 'BUSY', message: 'busy', hint: 'wait', retry: 'retryable' });
    });
    app.get('/v1/fault', () => {
      throw new Error('a secret of the inside');
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  });
  afterEach(async () => app.close());

  const call = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${token}`);
    return fetch(url + path, { ...init, headers });
  };
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    call('/v1/names', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });

  it('answers nobody without the token, but tells its health', async () => {
    assert.equal((await fetch(`${url}/v1/names`, { method: 'POST' })).status, 401);
    assert.equal((await fetch(`${url}/v1/nowhere`)).status, 401);
    const health: unknown = await (await fetch(`${url}/healthz`)).json();
    assert.deepEqual(health, {
      service: 'probe',
      status: 'ok',
      environment: 'test',
      release: 'r',
      version: { own: 'o', closure: 'c' },
    });
  });

  it('knows tenant and actor of every call, main and local when nobody is named', async () => {
    assert.deepEqual(await (await post({ name: 'x' })).json(), { tenant: 'main', actor: 'local' });
    const named = await post({ name: 'x' }, { 'x-orrery-tenant': 'acme', 'x-orrery-actor': 'ada' });
    assert.deepEqual(await named.json(), { tenant: 'acme', actor: 'ada' });
    assert.equal((await post({ name: 'x' }, { 'x-orrery-tenant': '../main' })).status, 400);
  });

  it('refuses unknown keys, wrong types and bodies over the bound', async () => {
    const wrong = await post({ name: 7, extra: 1 });
    const { error } = (await wrong.json()) as { error: { code: string; problems: string[] } };
    assert.deepEqual([wrong.status, error.code, error.problems.length], [400, 'REQUEST_INVALID', 2]);
    assert.equal((await post({ name: 'x'.repeat(2000) })).status, 413);
  });

  it('answers errors in one shape and keeps the inside inside', async () => {
    const busy = await call('/v1/busy');
    assert.deepEqual([busy.status, busy.headers.get('retry-after')], [503, '1']);
    const fault = await call('/v1/fault');
    assert.equal(fault.status, 500);
    assert.doesNotMatch(await fault.text(), /secret/);
  });

  it('describes its routes', async () => {
    const { paths } = (await (await call('/openapi.json')).json()) as { paths: object };
    assert.deepEqual(Object.keys(paths).sort(), ['/v1/busy', '/v1/fault', '/v1/names']);
  });

  it('lets a connection that is open finish what it asks while draining, and then closes it', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await keptAlive(agent);
    draining = true;
    const drained = drain(app, 5000, () => false);
    const answer = await keptAlive(agent);
    assert.deepEqual([answer.statusCode, answer.headers.connection], [200, 'close']);
    await drained;
    agent.destroy();
  });

  it('does not wait for idle connections where no other instance follows', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await keptAlive(agent);
    draining = true;
    // The deadline is beyond mocha's own: only the closing of what is idle can end this in time.
    await drain(app, 600_000, () => true);
    agent.destroy();
  });

  function keptAlive(agent: Agent): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${url}/healthz`, { agent }, (incoming) =>
        incoming.resume().on('end', () => resolve(incoming)),
      );
      outgoing.on('error', reject).end();
    });
  }
});
