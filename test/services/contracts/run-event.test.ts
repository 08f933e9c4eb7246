import assert from 'node:assert/strict';
import { LogEntryInvalid, readEntry, RunLogEntry } from '@orrery/contracts/run-event';
import { Ajv2020 } from 'ajv/dist/2020.js';

const definition = `sha256:${'d'.repeat(64)}`;

function entry(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    n: 7,
    at: '1795276800123456',
    release: `sha256:${'e'.repeat(64)}`,
    call: ['exchange', 'default', '2'],
    runs: { 's00-a': ['acme', 'daily', definition, 'anna'] },
    events: [
      ['s00-a', 4, '12.5', 'train', 2, '1795276800123455', 'ready', 'running', '', '', 'gpu'],
      ['s00-a', 5, '', '', 0, '0', 'running', 'cancelling', 'CANCELLED', 'boris'],
    ],
    ...more,
  };
}

describe('an entry of the run log', () => {
  it('is read with the names of its fields', () => {
    const read = readEntry(JSON.stringify(entry()));
    assert.equal(read.n, 7);
    assert.equal(read.atMs, 1795276800123);
    assert.deepEqual(read.call, ['exchange', 'default', '2']);
    assert.deepEqual(read.events, [
      {
        tenant: 'acme',
        run: 's00-a',
        sequence: 4,
        workflow: 'daily',
        definition,
        actor: 'anna',
        ref: '12.5',
        step: 'train',
        attempt: 2,
        fence: '1795276800123455',
        from: 'ready',
        to: 'running',
        reason: '',
        pool: 'gpu',
      },
      {
        tenant: 'acme',
        run: 's00-a',
        sequence: 5,
        workflow: 'daily',
        definition,
        actor: 'boris',
        ref: '',
        step: '',
        attempt: 0,
        fence: '0',
        from: 'running',
        to: 'cancelling',
        reason: 'CANCELLED',
        pool: '',
      },
    ]);
  });

  it('may be about no run, and says then who asked for it', () => {
    const read = readEntry(JSON.stringify(entry({ runs: {}, events: [], by: ['acme', 'anna'] })));
    assert.deepEqual(read.by, ['acme', 'anna']);
    assert.deepEqual(read.events, []);
  });

  const event = (place: number, value: unknown) => {
    const tuple: unknown[] = ['s00-a', 4, '', '', 0, '0', '', 'queued', '', ''];
    tuple[place] = value;
    return entry({ events: [tuple] });
  };
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['no JSON', '{"n": 1', /no JSON/],
    ['a list', '[]', /must be object/],
    ['an unknown key', JSON.stringify(entry({ colour: 'red' })), /unknown key "colour"/],
    ['n of 0', JSON.stringify(entry({ n: 0 })), /"n": n is 0/],
    ['a time that is a number', JSON.stringify(entry({ at: 1795276800123456 })), /"at"/],
    ['an empty call', JSON.stringify(entry({ call: [] })), /"call"/],
    ['events as an empty object', JSON.stringify(entry({ events: {} })), /"events"/],
    [
      'a run of three fields',
      JSON.stringify(entry({ runs: { 's00-a': ['acme', 'daily', definition] } })),
      /runs\.s00-a/,
    ],
    ['a tenant in capitals', JSON.stringify(entry({ runs: { 's00-a': ['ACME', 'x', definition, 'a'] } })), /s00-a\.0/],
    ['sequence 0', JSON.stringify(event(1, 0)), /events\.0\.1/],
    ['half a sequence', JSON.stringify(event(1, 1.5)), /events\.0\.1/],
    ['a ref with letters', JSON.stringify(event(2, 'a')), /events\.0\.2/],
    ['a negative attempt', JSON.stringify(event(4, -1)), /events\.0\.4/],
    ['a fence that is a number', JSON.stringify(event(5, 12)), /events\.0\.5/],
    ['a reason without bound', JSON.stringify(event(8, 'x'.repeat(8193))), /events\.0\.8/],
    [
      'twelve fields',
      JSON.stringify(entry({ events: [['s00-a', 4, '', '', 0, '0', '', 'a', '', '', '', '']] })),
      /events\.0/,
    ],
    ['a run that nobody names', JSON.stringify(event(0, 'constructor')), /constructor has no line/],
  ];
  for (const [what, text, message] of wrong) {
    it(`is refused with ${what}, saying where`, () => {
      assert.throws(
        () => readEntry(text),
        (error) => {
          assert.ok(error instanceof LogEntryInvalid);
          assert.equal(error.code, 'LOG_ENTRY_INVALID');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('fits the schema that the topic publishes', () => {
    const fits = new Ajv2020({ strict: false }).compile(RunLogEntry);
    assert.ok(fits(entry()), JSON.stringify(fits.errors));
    assert.ok(!fits(entry({ n: -1 })));
  });
});
