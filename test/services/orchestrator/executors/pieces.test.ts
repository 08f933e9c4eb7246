import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { OrreryError } from '@orrery/kit/errors';
import { ClassedError, classify, classOfStatus } from '#services/orchestrator/src/work/error-class.ts';
import { readStepStatement } from '#services/orchestrator/src/executors/sql-statement.ts';
import { planApproval } from '#services/orchestrator/src/inner/approve.ts';
import { childRunName } from '#services/orchestrator/src/inner/child-run.ts';
import { chunksOf } from '#services/orchestrator/src/inner/map.ts';
import { planWait } from '#services/orchestrator/src/inner/wait.ts';
import { shardOfRun } from '#services/orchestrator/src/core/keys.ts';
import { limitKeysOf } from '#services/orchestrator/src/work/limit-keys.ts';
import { Room } from '#services/orchestrator/src/work/room.ts';
import { templateOf } from '#services/orchestrator/src/work/templates.ts';

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof OrreryError ? error.code : 'another error';
  }
  return 'nothing thrown';
};

describe('the class of an error', () => {
  const told = (code: string, retry: 'terminal' | 'retryable' = 'terminal') =>
    classify(new OrreryError({ code, message: 'm', hint: 'h', retry }));

  it('comes of its code, and a terminal error is not retryable', () => {
    assert.deepEqual(told('MEMORY_EXCEEDED'), { class: 'resources', retryable: false });
    assert.deepEqual(told('PROCESS_INPUTS_WRONG'), { class: 'inputs', retryable: false });
    assert.deepEqual(told('EXPRESSION_UNRESOLVED'), { class: 'inputs', retryable: false });
    assert.deepEqual(told('PEER_UNREACHABLE', 'retryable'), { class: 'unavailable', retryable: true });
    assert.deepEqual(told('CLICKHOUSE_202', 'retryable'), { class: 'throttled', retryable: true });
    assert.deepEqual(told('CLICKHOUSE_241', 'retryable'), { class: 'resources', retryable: true });
    assert.deepEqual(told('ATTEMPT_TIMEOUT', 'retryable'), { class: 'timeout', retryable: true });
    assert.deepEqual(told('PROCESS_FAILED', 'retryable'), { class: 'failure', retryable: true });
    assert.deepEqual(classify(new TypeError('x')), { class: 'failure', retryable: true });
  });

  it('that is known where it was made wins, with what the callee asks to wait', () => {
    const error = new ClassedError('throttled', {
      code: 'X',
      message: 'm',
      hint: 'h',
      retry: 'retryable',
      retryAfterMs: 7,
    });
    assert.deepEqual(classify(error), { class: 'throttled', retryable: true, retryAfterMs: 7 });
  });

  it('of an answer comes of its status', () => {
    const classes = [400, 404, 408, 422, 429, 500, 502, 503, 504].map(classOfStatus);
    assert.deepEqual(classes, [
      ...['inputs', 'inputs', 'unavailable', 'inputs', 'throttled'],
      ...['failure', 'unavailable', 'unavailable', 'unavailable'],
    ]);
  });
});

describe('a statement of a step', () => {
  const kinds: [text: string, kind: string][] = [
    ['SELECT 1', 'read'],
    [' -- drop table\n select 1 ; -- the end', 'read'],
    ["(SELECT ';' AS a) UNION ALL SELECT 'it''s; \\'x'", 'read'],
    ['/* a */ with x as (select 1) select * from x', 'read'],
    ['SHOW TABLES', 'read'],
    ['INSERT INTO a SELECT 1', 'insert'],
    ['insert into a (n) values ({n:UInt8})', 'insert'],
    ['WITH x AS (SELECT 1) INSERT INTO a SELECT * FROM x', 'insert'],
  ];
  for (const [text, kind] of kinds) {
    it(`is known as ${kind}: ${JSON.stringify(text)}`, () => assert.equal(readStepStatement(text).kind, kind));
  }

  for (const text of [
    ...['', ';', '-- only words', 'SELECT 1; SELECT 2', 'SELECT 1;;', 'DROP TABLE a', 'alter table a delete where 1'],
    ...['SYSTEM SHUTDOWN', 'SET max_threads = 1', 'KILL QUERY WHERE 1', 'INSERT INTO a FORMAT CSV 1', '`select` 1'],
    ...['DELETE FROM a WHERE 1', 'OPTIMIZE TABLE a', 'GRANT ALL ON *.* TO b', 'USE other', 'BACKUP TABLE a TO Disk()'],
  ]) {
    it(`is refused: ${JSON.stringify(text)}`, () => {
      assert.equal(
        codeOf(() => readStepStatement(text)),
        'STATEMENT_REFUSED',
      );
    });
  }

  it('keeps its text without what follows it', () => {
    assert.equal(readStepStatement('SELECT 1; -- x').text, 'SELECT 1');
  });
});

describe('what a step waits for', () => {
  const place = { nowMs: 1000, totalMs: 0 };

  it('is a time from when it began, or a time of day', () => {
    assert.deepEqual(planWait({ forMs: 50 }, place), { on: 'timer', due: 1050 });
    assert.deepEqual(planWait({ until: '1970-01-01T00:00:09+00:00' }, place), { on: 'timer', due: 9000 });
    assert.deepEqual(planWait({ until: '1970-01-01' }, place), { on: 'timer', due: 1 }, 'never 0, which is for ever');
  });

  it('is an event by name and key, until all its time is over', () => {
    assert.deepEqual(planWait({ event: 'paid', key: '7' }, { ...place, totalMs: 500 }), {
      ...{ on: 'event', key: 'paid|7' },
      due: 1500,
    });
    assert.deepEqual(planWait({ event: 'paid' }, place), { on: 'event', key: 'paid|' });
  });

  it('is refused when an expression has brought something else', () => {
    for (const wait of [{ until: 'soon' }, { event: 'paid', key: '' }, { until: '2026-13-45' }]) {
      assert.equal(
        codeOf(() => planWait(wait, place)),
        'WAIT_WRONG',
      );
    }
  });

  it('is as many people as there are, each once', () => {
    assert.deepEqual(planApproval({ who: ['a', 'b', 'a'], quorum: 2 }, place), {
      ...{ on: 'approval', who: ['a', 'b'] },
      quorum: 2,
    });
    assert.equal(
      codeOf(() => planApproval({ who: ['a', 'a'], quorum: 2 }, place)),
      'QUORUM_WRONG',
    );
  });
});

describe('the parts of a map', () => {
  it('hold every item once, in order, at most 256 and 256 KiB in each', () => {
    const items = fc.array(fc.integer({ min: 1, max: 65_536 }), { maxLength: 700 });
    fc.assert(
      fc.property(items, (lengths) => {
        const texts = lengths.map((length) => 'x'.repeat(length));
        let behind = 0;
        for (const [first, end] of chunksOf(texts)) {
          const part = texts.slice(first, end);
          assert.equal(first, behind);
          assert.ok(part.length > 0 && part.length <= 256);
          assert.ok(part.join('').length <= 256 * 1024);
          behind = end;
        }
        assert.equal(behind, texts.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the name of a child run', () => {
  it('is the same for the same try, is of the shard of its parent, and no other', () => {
    const name = childRunName('s07-0mabcdefg0123456789abc', '12.5', 1);
    assert.equal(name, childRunName('s07-0mabcdefg0123456789abc', '12.5', 1));
    assert.match(name, /^s07-0mabcdefg[0-9a-z]{20}$/);
    assert.equal(shardOfRun(name), 's07');
    const others = [
      childRunName('s07-0mabcdefg0123456789abc', '12.5', 2),
      childRunName('s07-0mabcdefg0123456789abc', '12.6', 1),
      childRunName('s07-0mabcdefg0123456789abd', '12.5', 1),
    ];
    assert.equal(new Set([name, ...others]).size, 4);
  });
});

describe('the limit keys of a run', () => {
  const scope = { parameters: { host: 'a' }, run: { id: 's00-1', tenant: 'main', logicalMs: 0 } };
  const step = { uses: 'wait', with: { forMs: 1 } } as const;

  it('are those of its steps with a limit, by number', () => {
    const steps = [
      { name: 'x', ...step },
      { name: 'y', ...step, limit: { key: 'host-${{ parameters.host }}', max: 2 } },
      { name: 'z', ...step, limit: { key: 'all', max: 1 } },
    ];
    assert.deepEqual(limitKeysOf({ steps }, scope), { '1': 'host-a', '2': 'all' });
  });

  it('are refused when they are no text', () => {
    const steps = [{ name: 'y', ...step, limit: { key: '${{ parameters }}', max: 2 } }];
    assert.equal(
      codeOf(() => limitKeysOf({ steps }, scope)),
      'LIMIT_KEY_WRONG',
    );
  });
});

describe('a template', () => {
  const scope = { parameters: { n: 7 }, results: new Map(), run: { id: 's00-1', tenant: 'main', logicalMs: 0 } };

  it('is none where there is no expression, so that nothing is copied', () => {
    assert.equal(templateOf({ a: [1, 'x', null, { b: true }] }), undefined);
  });

  it('keeps what has none, and can not be led to a prototype', () => {
    const kept = { deep: [1] };
    const made = templateOf({ kept, value: '${{ parameters.n }}', ['__proto__']: '${{ run.id }}' })?.(scope);
    assert.deepEqual(Object.entries(made as object), [
      ['kept', kept],
      ['value', 7],
      ['__proto__', 's00-1'],
    ]);
    assert.equal(Object.getPrototypeOf(made), Object.prototype);
    assert.equal((made as { kept: unknown }).kept, kept, 'not copied');
  });
});

describe('the room for attempts', () => {
  it('is never given twice', () => {
    const room = new Room(3);
    assert.deepEqual([room.reserve(2), room.reserve(2), room.reserve(1)], [2, 1, 0]);
    room.giveBack(1);
    assert.equal(room.reserve(5), 1);
  });
});
