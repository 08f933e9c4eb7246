import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, digestOfBytes } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { readLedger } from '#stacks/promotion/ledger.ts';
import { assertPinMoved, movePin, readPin, settlePin } from '#stacks/promotion/pin.ts';
import { pinFile } from '#stacks/release/places.ts';

describe('the pin', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-pin-'));
  const places = { root, state: join(root, '.orrery') };
  const pinOf = (name: string): Pin => {
    const digest = digestOfBytes(name);
    return { schema: 2, release: digest, binding: digest, render: digest };
  };
  const move = (name: string, fence = 1) =>
    movePin(places, 'local', {
      kind: 'pin',
      pin: pinOf(name),
      actor: 'somebody',
      reason: name,
      at: '2026-01-01T00:00:00.000Z',
      fence,
    });

  after(() => rmSync(root, { recursive: true }));

  it('is absent before the first move, and the error says which commands make one', () => {
    assert.equal(readPin(places, 'local'), undefined);
    assert.throws(() => assertPinMoved(places, 'dev'), {
      code: 'PIN_MISSING',
      hint: 'npx orrery release create, then npx orrery pin dev RELEASE',
    });
  });

  it('moves with an entry that says from where', () => {
    const [first, second] = [move('one'), move('two')];
    assert.equal(first.event.from, null);
    assert.equal(second.event.from, digestOf('pin', pinOf('one')));
    assert.deepEqual(readPin(places, 'local'), pinOf('two'));
  });

  it('is finished when its mover was killed after the ledger was written', () => {
    const file = pinFile(places, 'local');
    const moved = readFileSync(file, 'utf8');
    writeFileSync(file, moved.replace(digestOfBytes('two'), digestOfBytes('one')));
    settlePin(places, 'local');
    assert.equal(readFileSync(file, 'utf8'), moved);
    rmSync(file);
    settlePin(places, 'local');
    assert.equal(readFileSync(file, 'utf8'), moved);
  });

  it('does not move for a lesser fence', () => {
    move('three', 5);
    assert.throws(() => move('late', 4), { code: 'FENCED_OFF' });
    assert.deepEqual(readPin(places, 'local'), pinOf('three'));
    assert.equal(readLedger(places, 'local').length, 3);
  });

  it('is refused when it is no pin, with the file', () => {
    const file = pinFile(places, 'local');
    const moved = readFileSync(file, 'utf8');
    writeFileSync(file, moved.replace('sha256:', 'sha257:'));
    assert.throws(() => readPin(places, 'local'), { code: 'PIN_BROKEN', message: /pins\/local\.json is no pin/ });
    writeFileSync(file, '{"schema":1,"release":"","binding":""}');
    assert.throws(() => readPin(places, 'local'), { code: 'RECORD_OUTDATED' });
    writeFileSync(file, moved);
  });
});
