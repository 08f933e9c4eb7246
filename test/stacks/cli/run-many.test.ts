import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { OrreryError } from '@orrery/kit/errors';
import { createPeer, type Peer, type PeerCall } from '@orrery/kit/peer';
import { after, before, beforeEach, describe, it } from 'mocha';
import { readFlatObject, type LineFault } from '#stacks/cli/flat-object.ts';
import { run } from '#stacks/cli/run.ts';
import type { VerbResult } from '#stacks/cli/verb.ts';
import { Stage, task, token, workflow } from '#test/services/orchestrator/control/stage.ts';

const parameters = {
  day: { type: 'string' },
  rows: { type: 'number', default: 1 },
  again: { type: 'boolean', default: false },
} as const;

interface Batch {
  readonly orders: readonly { readonly parameters: object; readonly idempotencyKey?: string }[];
}

describe('orrery run --many', function () {
  this.timeout(30_000);
  const stage = new Stage([workflow('daily', [task('a')], { parameters })]);
  const folder = mkdtempSync(join(tmpdir(), 'orrery-many-'));
  const file = join(folder, 'days.jsonl');
  const told: string[] = [];
  const batches: Batch[] = [];
  let peer: Peer;
  let fail: (call: PeerCall) => void;
  before(async () => {
    await stage.start();
    const url = await stage.app.listen({ host: '127.0.0.1', port: 0 });
    const real = createPeer({ name: 'orchestrator', url, token });
    peer = {
      async call(call) {
        if (call.path.endsWith('/batch')) batches.push(call.body as Batch);
        fail(call);
        return real.call(call);
      },
    };
  });
  after(async () => {
    await stage.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await stage.redis.flushdb();
    batches.length = 0;
    told.length = 0;
    fail = () => undefined;
  });

  /** The verb as it is typed; each look at the clock finds it a second later. */
  const say = async (
    words: readonly string[],
    options: { json?: boolean; input?: string } = {},
  ): Promise<VerbResult> => {
    const { values, positionals } = parseArgs({ args: [...words], options: run.options ?? {}, allowPositionals: true });
    let nowMs = 0;
    const context = {
      ...{ places: { root: '/nowhere', state: '/nowhere' }, portBase: undefined, actor: 'ann' },
      json: options.json ?? false,
      now: () => new Date((nowMs += 1000)),
      progress: (line: string) => told.push(line),
      input: () => Readable.from([Buffer.from(options.input ?? '')]),
      untilInterrupted: async () => undefined,
    };
    return run.act(peer, context, { words: positionals, values });
  };
  const hand = async (text: string | Uint8Array, ...words: readonly string[]) => {
    writeFileSync(file, text);
    return say(['daily', '--many', file, ...words]);
  };
  const refusal = (handed: Promise<VerbResult>) =>
    handed.then(
      () => ({ code: 'none', message: '', hint: '', exitCode: 0 }),
      (error: unknown) => error as { code: string; message: string; hint: string; exitCode?: number },
    );
  const days = (count: number) => Array.from({ length: count }, (_, index) => `{"day": "d${index + 1}"}\n`).join('');
  const runsCount = () => stage.redis.zcard('orchestrator:{s00}:runs:main');

  it('starts a run for each line, 500 a request, and tells how far it is', async () => {
    const { text, exitCode } = await hand(days(1100), '--priority', '9');
    assert.equal(text, '1,100 lines: 1,100 runs taken in, 0 known already, 0 refused');
    assert.equal(exitCode, 0);
    assert.deepEqual(
      batches.map(({ orders }) => orders.length),
      [500, 500, 100],
    );
    assert.deepEqual(batches[1]?.orders[0], { parameters: { day: 'd501' }, priority: 9 });
    const progress = ['500', '1,000', '1,100'].map((done) => `${done} of 1,100 lines handed in`);
    assert.deepEqual(told, progress);
    assert.equal(await runsCount(), 1100);
  });

  it('sends fewer at once when lines are long', async () => {
    const long = `{"day": "${'x'.repeat(60_000)}"}\n`;
    fail = ({ path }) => {
      if (path.endsWith('/batch')) throw new OrreryError({ code: 'STOP', message: 'enough', hint: '' });
    };
    await refusal(hand(long.repeat(100)));
    assert.equal(batches[0]?.orders.length, 69);
  });

  it('under a key starts a file that is sent again once, and only its lines that are the same', async () => {
    await hand(days(3), '--key', 'june');
    const { text } = await hand(days(5), '--key', 'june');
    assert.equal(text, '5 lines: 2 runs taken in, 3 known already, 0 refused');
    assert.equal(batches[1]?.orders[4]?.idempotencyKey, 'june-5');
    const moved = await hand(`{"day": "d0"}\n\n${days(1)}`, '--key', 'june');
    assert.equal(moved.exitCode, 1);
    assert.deepEqual(moved.text.split('\n').slice(0, 2), [
      '2 lines: 0 runs taken in, 0 known already, 2 refused',
      `  lines 1, 3: IDEMPOTENCY_KEY_REUSED the idempotency key "june-1" stands for the run ${
        /the run (\S+),/.exec(moved.text)?.[1] ?? ''
      }, which was asked for with another body`,
    ]);
    assert.equal(await runsCount(), 5);
    assert.equal((await refusal(hand(days(1), '--key', 'a b'))).code, 'USAGE');
  });

  it('reads what is piped in, and prints under --json what became of each line', async () => {
    const input = `{"day": "a"}\n{"day": "${'b'.repeat(70_000)}"}`;
    const { json, text, exitCode } = await say(['daily', '--many', '-'], { json: true, input });
    assert.deepEqual([json, exitCode], [null, 1]);
    const [first, second] = text
      .split('\n')
      .map((line) => JSON.parse(line) as { run: string; error: { code: string } });
    assert.deepEqual(first, { line: 1, run: first?.run, state: 'running', fresh: true });
    assert.equal(second?.error.code, 'PARAMETERS_INVALID');
    assert.match((await refusal(say(['daily', '--many', '-'], { input: '\n{' }))).message, /<stdin>:2:2 /);
  });

  it('finds every mistake of every line before anything is sent: line, column, and what to write', async () => {
    const lines = [
      '{"day": "a"}',
      '{"dya": "b"}',
      '  {"day": 5, "rows": "7"}',
      '{"day": "d",}',
      '{"day": null}',
      '{"day": "é", "again": tru}',
      '[1]',
    ];
    const { code, message, hint, exitCode } = await refusal(hand(lines.join('\r\n')));
    assert.deepEqual([code, exitCode], ['LINES_INVALID', 1]);
    assert.deepEqual(message.replaceAll(file, 'f').split('\n'), [
      '8 mistakes in f: nothing was sent',
      ...['f:2:1 the parameter "day" is missing', '    it is a string'],
      ...['f:2:2 unknown parameter "dya"', '    did you mean "day"?'],
      ...['f:3:11 "day" is 5', '    it must be a string', 'f:3:22 "rows" is "7"', '    it must be a number'],
      ...[
        'f:4:13 the name of a parameter is expected, and there is }',
        '    in double quotes: {"day": "2001-06-15", "rows": 7, "again": true}',
      ],
      ...[
        'f:5:9 the value of "day" is expected, and there is null',
        '    parameters are texts in double quotes, numbers, true or false',
      ],
      ...[
        'f:6:23 the value of "again" is expected, and there is tru}',
        '    parameters are texts in double quotes, numbers, true or false',
      ],
      ...[
        'f:7:1 { is expected, and there is [',
        '    a line is one object of parameters: {"day": "2001-06-15", "rows": 7, "again": true}',
      ],
    ]);
    assert.match(hint, /mend every place/);
    const many = await refusal(hand('{"dya": 1}\n'.repeat(40)));
    assert.equal(many.message.split('\n').at(-1), '… and 60 more');
    assert.match((await refusal(hand(Buffer.from([0x7b, 0xff, 0x7d])))).message, /:1:1 the line can't be read/);
    assert.match((await refusal(hand('\n \n'))).message, /holds no line/);
    assert.equal((await refusal(say(['daily', '--many', join(folder, 'no.jsonl')]))).code, 'NO_FILE');
    assert.equal((await refusal(hand(days(1), '--set', 'day=a'))).code, 'USAGE');
    assert.equal((await refusal(say(['dayly', '--many', file]))).code, 'WORKFLOW_NOT_FOUND');
    assert.deepEqual([batches.length, await runsCount()], [0, 0]);
  });

  it('goes on where it broke off: tells which lines were not taken in, and how they are sent again', async () => {
    fail = () => {
      if (batches.length !== 2) return;
      throw new OrreryError({
        code: 'PEER_UNREACHABLE',
        message: 'the peer is gone',
        hint: 'look',
        retry: 'retryable',
      });
    };
    const { text, exitCode } = await hand(days(1700), '--key', 'k');
    assert.equal(exitCode, 1);
    assert.deepEqual(text.split('\n'), [
      '1,700 lines: 500 runs taken in, 0 known already, 1,200 refused',
      ...['  lines 501, 502, 503 and 497 more: PEER_UNREACHABLE the peer is gone', '    look'],
      ...[
        '  lines 1001, 1002, 1003 and 697 more: NOT_SENT a request before it failed',
        '    hand these lines in again',
      ],
      'hand the file in again with --key k: what was taken in is known, and starts no second time',
    ]);
    fail = () => undefined;
    assert.match((await hand(days(1700), '--key', 'k')).text, /^1,700 lines: 1,200 runs taken in, 500 known already/);
  });
});

describe('a line of parameters', () => {
  const fault = (line: string): [number, string] => {
    try {
      return [0, JSON.stringify(readFlatObject(line))];
    } catch (error) {
      return [(error as LineFault).column, (error as LineFault).message];
    }
  };

  it('is read as JSON reads it', () => {
    const line = '{ "a":"x\\"y\\u00e9\\\\" ,"b" : -1.5e3,"c":true,"d":"","e":0 }';
    const read = Object.fromEntries(readFlatObject(line).map(({ name, value }) => [name, value]));
    assert.deepEqual(read, { a: 'x"yé\\', b: -1500, c: true, d: '', e: 0 });
    assert.deepEqual(readFlatObject('{}'), []);
  });

  it('is refused at the column of its mistake', () => {
    assert.deepEqual(fault('{"a": 1'), [8, ', is missing: the line ends here']);
    assert.deepEqual(fault('{"a" 1}'), [6, ': is expected, and there is 1']);
    assert.deepEqual(fault('{"a": 1} {}'), [10, 'the end of the line is expected, and there is {']);
    assert.deepEqual(fault('{"a": "b}'), [
      ...[7, 'the value of "a" is expected, and there is a text that is no JSON, or has no end: "b}'],
    ]);
    assert.deepEqual(fault('{"a": 1, "a": 2}'), [10, '"a" stands twice']);
    assert.deepEqual(fault('{"a": 12345678901234567890}'), [
      ...[7, '"a" is 12345678901234567890, which no number holds exactly'],
    ]);
    assert.deepEqual(fault('{"a": 01}'), [7, 'the value of "a" is expected, and there is 01}']);
    assert.deepEqual(fault('{"a": {}}'), [7, 'the value of "a" is expected, and there is {']);
    assert.deepEqual(fault("{'a': 1}"), [2, "the name of a parameter is expected, and there is 'a': 1}"]);
  });
});
