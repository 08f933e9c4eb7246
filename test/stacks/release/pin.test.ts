import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@orrery/contracts/digest';
import { movePin, readLedger, readPin, settlePin } from '#stacks/release/pin.ts';
import { ledgerFile, pinFile } from '#stacks/release/places.ts';

describe('the pin and its ledger', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-pin-'));
  const places = { root, state: join(root, '.orrery') };
  const change = (name: string) => ({
    kind: 'pin' as const,
    release: digestOf('release', { name }),
    binding: digestOf('binding', { name }),
    actor: 'somebody',
    reason: name,
    at: '2026-01-01T00:00:00.000Z',
  });

  after(() => rmSync(root, { recursive: true }));

  it('has no pin before the first move', () => {
    assert.equal(readPin(places, 'local'), undefined);
    assert.deepEqual(readLedger(places, 'local'), []);
  });

  it('numbers and chains every move', () => {
    const first = movePin(places, 'local', change('one'));
    const second = movePin(places, 'local', change('two'));
    assert.deepEqual([first.number, first.previous], [1, null]);
    assert.deepEqual([second.number, second.previous], [2, digestOf('ledger-entry', first)]);
    assert.deepEqual(readPin(places, 'local'), {
      schema: 1,
      release: change('two').release,
      binding: change('two').binding,
    });
  });

  it('finishes a move that was killed after the ledger was written', () => {
    const file = pinFile(places, 'local');
    const moved = readFileSync(file, 'utf8');
    writeFileSync(file, moved.replace(change('two').release, change('one').release));
    settlePin(places, 'local');
    assert.equal(readFileSync(file, 'utf8'), moved);
  });

  it('does not count a line that was only half written, and goes on after it', () => {
    const file = ledgerFile(places, 'local');
    appendFileSync(file, '{"schema":1,"numb');
    assert.deepEqual(
      readLedger(places, 'local').map((entry) => entry.reason),
      ['one', 'two'],
    );
    movePin(places, 'local', change('three'));
    assert.deepEqual(
      readLedger(places, 'local').map((entry) => entry.number),
      [1, 2, 3],
    );
  });

  it('names the first line that was changed', () => {
    const file = ledgerFile(places, 'local');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace('"reason":"one"', '"reason":"ONE"'));
    assert.throws(() => readLedger(places, 'local'), { code: 'LEDGER_BROKEN', message: /local\.jsonl:2 / });
    writeFileSync(file, text);
  });

  it('notices that a line was cut out', () => {
    const file = ledgerFile(places, 'local');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(text.indexOf('\n') + 1));
    assert.throws(() => readLedger(places, 'local'), { code: 'LEDGER_BROKEN', message: /local\.jsonl:1 / });
    writeFileSync(file, text);
  });
});
