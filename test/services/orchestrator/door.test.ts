import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { WebSocket, type ClientOptions } from 'ws';
import { openPoolPort } from '#services/orchestrator/src/door/pool-port.ts';
import type { ClaimedStep, Ending } from '#services/orchestrator/src/core/step-lease.ts';
import { systemClock } from '@orrery/kit/clock';
import { silentLog } from '@orrery/kit/log';
import { Place, token } from '#test/services/worker/place.ts';
import { eventually } from '#test/support/eventually.ts';

interface Frame {
  readonly type: string;
  readonly tasks?: readonly { readonly run: string; readonly fence: string; readonly dueMs: number }[];
  readonly codes?: readonly string[];
  readonly leases?: readonly object[];
  readonly code?: string;
  readonly message?: string;
}

const hello = { type: 'hello', pool: 'default', handlers: ['echo'], build: 'b1', slots: 4 };

/** A worker that speaks the protocol by hand. */
class RawWorker {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly closed: Promise<number>;

  constructor(url: string, options: ClientOptions & { protocol?: string } = {}) {
    const { protocol = 'orrery.worker.1', headers = {} } = options;
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/v1/worker`, protocol, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    this.socket.on('message', (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as Frame));
    this.closed = once(this.socket, 'close').then(([code]) => code as number);
  }

  async open(): Promise<this> {
    await once(this.socket, 'open');
    return this;
  }

  send(...frames: readonly unknown[]): this {
    for (const frame of frames) this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
    return this;
  }

  saw(type: string, count = 1): Promise<Frame> {
    const ofType = () => this.frames.filter((frame) => frame.type === type);
    return eventually(() => ofType().length >= count && ofType()[count - 1], { what: type });
  }
}

/** The answer in HTTP to who may not come in. */
async function refusal(url: string, options: ClientOptions & { protocol?: string }): Promise<[number, string]> {
  const { socket } = new RawWorker(url, options);
  socket.on('error', () => undefined);
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    AsyncIterable<Buffer> & { statusCode: number },
  ];
  let body = '';
  for await (const chunk of response) body += chunk.toString();
  return [response.statusCode, (JSON.parse(body) as { error: { code: string } }).error.code];
}

describe('the door for workers', () => {
  let place: Place;
  beforeEach(async () => {
    place = new Place();
    await place.start();
  });
  afterEach(async () => place.stop());

  it('lets in nobody without the token, a tenant by name, and the version of the protocol', async () => {
    const { url } = place;
    assert.deepEqual(await refusal(url, { headers: { authorization: 'Bearer no' } }), [401, 'UNAUTHENTICATED']);
    assert.deepEqual(await refusal(url, { headers: { 'x-orrery-tenant': 'A B' } }), [400, 'NAME_INVALID']);
    assert.deepEqual(await refusal(url, { protocol: 'orrery.worker.9' }), [400, 'PROTOCOL_UNKNOWN']);
    await place.door.drain(0);
    assert.deepEqual(await refusal(url, {}), [503, 'NOT_READY']);
  });

  it('answers in HTTP whoever offers another protocol elsewhere', async () => {
    const headers = { connection: 'upgrade', upgrade: 'h2c' };
    const [response] = (await once(request(`${place.url}/healthz`, { headers }).end(), 'response')) as [
      { statusCode: number },
    ];
    assert.equal(response.statusCode, 404);
  });

  const refused: [what: string, code: string, message: RegExp, frames: unknown[]][] = [
    ['no JSON', 'FRAME_NOT_JSON', /no JSON object/, ['{']],
    ['a list', 'FRAME_NOT_JSON', /no JSON object/, [[]]],
    ['an unknown type', 'FRAME_UNKNOWN', /"hullo"/, [{ type: 'hullo' }]],
    ['an unknown field', 'FRAME_INVALID', /"colour"/, [{ ...hello, colour: 'red' }]],
    ['a pool that is no name', 'FRAME_INVALID', /pool must match/, [{ ...hello, pool: 'A' }]],
    ['too many slots', 'FRAME_INVALID', /slots must be <= 10000/, [{ ...hello, slots: 10_001 }]],
    ['work before hello', 'FRAME_ORDER', /slots came before hello/, [{ type: 'slots', free: 1 }]],
    ['hello twice', 'FRAME_ORDER', /hello came twice/, [hello, hello]],
    [
      'a class of error that there is not',
      'FRAME_INVALID',
      /endings\.0\.error\.class .*"throttled"/,
      [
        hello,
        {
          type: 'done',
          endings: [{ run: 'r', ref: '0', fence: '1', outcome: 'failed', error: { class: 'bad', message: '' } }],
        },
      ],
    ],
    [
      'a large progress',
      'PROGRESS_TOO_LARGE',
      /bound is 2048/,
      [hello, { type: 'beat', leases: [{ run: 'r', ref: '0', fence: '1', dueMs: 0, progress: 'x'.repeat(2100) }] }],
    ],
  ];
  for (const [what, code, message, frames] of refused) {
    it(`refuses ${what}, says what to do, and ends the connection`, async () => {
      const worker = (await new RawWorker(place.url).open()).send(...frames);
      const error = await worker.saw('error');
      assert.equal(error.code, code);
      assert.match(error.message ?? '', message);
      assert.equal(await worker.closed, 1008);
    });
  }

  it('refuses a frame of more than a mebibyte', async () => {
    const worker = (await new RawWorker(place.url).open()).send(hello, 'x'.repeat(1_100_000));
    assert.equal((await worker.saw('error')).code, 'FRAME_TOO_LARGE');
    assert.equal(await worker.closed, 1009);
  });

  it('gives no more than there are slots for, and the next for each that ends', async () => {
    const steps = place.core.add(...Array.from({ length: 10 }, (_, index) => ({ run: `r${index}`, handler: 'echo' })));
    const worker = (await new RawWorker(place.url).open()).send(hello);
    await eventually(() => steps.filter(({ state }) => state === 'running').length === 4);
    const work = await worker.saw('work');
    assert.deepEqual(
      work.tasks?.map(({ run }) => run),
      ['r0', 'r1', 'r2', 'r3'],
    );
    const [first] = work.tasks;
    worker.send({
      type: 'done',
      endings: [{ run: 'r0', ref: '0', fence: first?.fence, outcome: 'succeeded', result: 1 }],
    });
    const next = await worker.saw('work', 2);
    assert.deepEqual(
      next.tasks?.map(({ run }) => run),
      ['r4'],
    );
    assert.deepEqual((await worker.saw('accepted')).codes, ['accepted']);
    assert.equal(place.core.heldMost, 4);
  });

  it('answers endings in their order, over all frames', async () => {
    place.core.add({ run: 'r0', handler: 'echo' }, { run: 'r1', handler: 'echo' });
    const worker = (await new RawWorker(place.url).open()).send(hello);
    await eventually(() => worker.frames.flatMap(({ tasks = [] }) => tasks).length === 2);
    const [zero, one] = worker.frames
      .flatMap(({ tasks = [] }) => tasks)
      .map(({ run, fence }) => ({ run, ref: '0', fence, outcome: 'succeeded', result: null }));
    worker.send({ type: 'done', endings: [{ ...zero, fence: '1' }, one] }, { type: 'done', endings: [zero, one] });
    await eventually(() => worker.frames.flatMap(({ codes = [] }) => codes).length === 4);
    assert.deepEqual(
      worker.frames.flatMap(({ codes = [] }) => codes),
      ['stale', 'accepted', 'accepted', 'repeated'],
    );
  });

  it('takes no ending of another tenant’s lease, and renews none', async () => {
    const [step] = place.core.add({ run: 'r0', handler: 'echo', tenant: 'acme' });
    const acme = await new RawWorker(place.url, { headers: { 'x-orrery-tenant': 'acme' } }).open();
    const [task] = (await acme.send(hello).saw('work')).tasks ?? [];
    const lease = { run: 'r0', ref: '0', fence: task?.fence };
    const thief = (await new RawWorker(place.url).open()).send(
      hello,
      { type: 'done', endings: [{ ...lease, outcome: 'succeeded', result: 'stolen' }] },
      { type: 'beat', leases: [{ ...lease, dueMs: task?.dueMs }] },
    );
    assert.deepEqual((await thief.saw('accepted')).codes, ['stale']);
    assert.deepEqual((await thief.saw('lost')).leases, [lease]);
    acme.send({ type: 'beat', leases: [{ ...lease, dueMs: task?.dueMs }] });
    assert.deepEqual((await acme.saw('lost')).leases, []);
    assert.equal(step?.state, 'running');
  });

  it('gives back at once what a worker held that says bye', async () => {
    const [step] = place.core.add({ run: 'r0', handler: 'echo' });
    const worker = (await new RawWorker(place.url).open()).send(hello);
    await worker.saw('work');
    worker.send({ type: 'bye' });
    assert.equal(await worker.closed, 1000);
    assert.deepEqual([step?.state, step?.returned[0]?.reason], ['ready', 'WORKER_LEFT: the worker said bye']);
  });

  it('lists who is connected', async () => {
    const worker = await new RawWorker(place.url, { headers: { 'x-orrery-tenant': 'acme' } }).open();
    await worker.send(hello).saw('welcome');
    const [{ worker: _name, sinceMs: _since, ...view } = {}] = place.door.workers().map((each) => ({ ...each }));
    assert.deepEqual(view, {
      ...{ tenant: 'acme', pool: 'default', build: 'b1', handlers: ['echo'], slots: 4, held: 0 },
    });
  });
});

describe('a pool of the core behind the door', () => {
  it('claims for the slots that are free in the moment of the exchange, for its tenant alone, and gives none twice', async () => {
    const asks: { pools: readonly string[]; want: number; tenant?: string | undefined }[] = [];
    const given: [number, number][] = [];
    let free = 3;
    const ready = ['a', 'b', 'c', 'd', 'e'];
    const port = openPoolPort(
      {
        ...{ tenant: 'acme', shard: 's00', pools: ['gpu@b1', 'gpu'] },
        demand: () => {
          const asked = free;
          free = 0;
          return asked;
        },
        onWork: (claimed, asked) => {
          given.push([claimed.length, asked]);
          free += asked - claimed.length;
        },
      },
      {
        ...{ leaseMs: 1000, pollMs: 20, clock: systemClock, random: () => 0, log: silentLog() },
        transitions: {
          exchange: async (_shard: string, asked: (typeof asks)[number], endings: readonly Ending[]) => {
            asks.push(asked);
            const claimed = ready.splice(0, asked.want).map((run) => ({ run }) as ClaimedStep);
            return { codes: endings.map(() => 'accepted' as const), claimed };
          },
          beat: async (_shard: string, beats: readonly unknown[]) => beats.map(() => 'stopping' as const),
        },
      },
    );
    await eventually(() => given.length === 1);
    free += 1;
    const ending = { run: 'a', ref: '0', fence: '1', outcome: 'succeeded', payload: '1' } as const;
    assert.equal(await port.finish(ending), 'accepted');
    await eventually(() => given.some(([claimed]) => claimed === 1));
    assert.deepEqual([asks[0]?.pools, asks[0]?.tenant, asks[0]?.want], [['gpu@b1', 'gpu'], 'acme', 3]);
    assert.equal(5 - ready.length, 4);
    assert.deepEqual(await port.beat([{ run: 'a', ref: '0', fence: '1', dueMs: 5 }]), [2]);
    port.close();
  });
});
