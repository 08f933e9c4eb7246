import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, digestOfBytes } from '@orrery/contracts/digest';
import type { LedgerEvent } from '@orrery/contracts/ledger';
import type { Pin } from '@orrery/contracts/pin';
import { appendEntry, deploymentsOf, lastDeployment, movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { ledgerFolder } from '#stacks/release/places.ts';

function pinOf(name: string): Pin {
  const digest = digestOfBytes(name);
  return { schema: 2, release: digest, binding: digest, render: digest };
}

describe('a ledger', () => {
  const root = mkdtempSync(join(tmpdir(), 'orrery-ledger-'));
  const places = { root, state: join(root, '.orrery') };
  const folder = ledgerFolder(places, 'local');
  const append = (event: LedgerEvent, fence = 1, reason = 'a reason') =>
    appendEntry(places, 'local', { at: '2026-01-01T00:00:00.000Z', actor: 'somebody', reason, fence, event });

  after(() => rmSync(root, { recursive: true }));

  it('is empty before the first entry', () => {
    assert.deepEqual(readLedger(places, 'local'), []);
    assert.equal(lastDeployment([]), undefined);
  });

  it('numbers and chains its entries, one file each', () => {
    const first = append({ kind: 'pin', pin: pinOf('one'), from: null });
    const second = append({ kind: 'deployment-started', pin: pinOf('one'), steps: ['verify', 'up'] });
    assert.deepEqual([first.number, first.previous], [1, null]);
    assert.deepEqual([second.number, second.previous], [2, digestOf('ledger-entry', first)]);
    assert.deepEqual(readdirSync(folder), ['000001.json', '000002.json']);
  });

  it('tells a deployment by its entries, and what people call its number by the moves alone', () => {
    append({ kind: 'deployment-step', deployment: 2, step: 'verify', outcome: 'done' });
    append({ kind: 'deployment-ended', deployment: 2, outcome: 'failed', standsOn: 'previous' });
    append({ kind: 'rollback', pin: pinOf('zero'), from: digestOf('pin', pinOf('one')) });
    const ledger = readLedger(places, 'local');
    const [deployment] = deploymentsOf(ledger);
    assert.deepEqual(
      [deployment?.id, deployment?.steps.map((entry) => entry.event.step), deployment?.ended?.event.outcome],
      [2, ['verify'], 'failed'],
    );
    assert.deepEqual(
      movesOf(ledger).map((move) => [move.ordinal, move.entry.number, move.entry.event.kind]),
      [
        [1, 1, 'pin'],
        [2, 5, 'rollback'],
      ],
    );
  });

  it('refuses an entry of a lesser fence, and writes nothing', () => {
    append({ kind: 'go-live', pin: pinOf('two'), from: null }, 4);
    assert.throws(() => append({ kind: 'pin', pin: pinOf('late'), from: null }, 3), {
      code: 'FENCED_OFF',
      exitCode: 3,
      message: /somebody has taken over local with fence 4 \(entry 6\); this one had 3/,
    });
    assert.equal(readLedger(places, 'local').length, 6);
  });

  it('gives a number to one of two writers, and the next number to the other', () => {
    const late = appendEntry(places, 'local', {
      at: '2026-01-01T00:00:00.000Z',
      actor: 'late',
      reason: 'was overtaken',
      fence: 4,
      event: (ledger) => {
        if (ledger.length === 6) append({ kind: 'pin', pin: pinOf('fast'), from: null }, 4, 'was faster');
        return { kind: 'pin', pin: pinOf(`after ${ledger.length}`), from: null };
      },
    });
    assert.deepEqual([late.number, late.event.pin], [8, pinOf('after 7')]);
    assert.deepEqual(
      readLedger(places, 'local').map((entry) => entry.reason),
      ['a reason', 'a reason', 'a reason', 'a reason', 'a reason', 'a reason', 'was faster', 'was overtaken'],
    );
  });

  it('does not count what was only half written, and sweeps it', () => {
    const gone = join(folder, '.000009.json.abc.99999999.tmp');
    writeFileSync(gone, '{"schema":2,"numb');
    assert.equal(readLedger(places, 'local').length, 8);
    append({ kind: 'pin', pin: pinOf('nine'), from: null }, 4);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('.')),
      [],
    );
  });

  it('names the first entry that was edited, cut out, reordered or renumbered', () => {
    const file = (number: number) => join(folder, `00000${number}.json`);
    const broken = (number: number, what: RegExp) =>
      assert.throws(
        () => readLedger(places, 'local'),
        (error: Error & { code: string }) =>
          error.code === 'LEDGER_BROKEN' && error.message.startsWith(file(number)) && what.test(error.message),
      );
    const [second, third] = [readFileSync(file(2), 'utf8'), readFileSync(file(3), 'utf8')];

    writeFileSync(file(2), second.replace('somebody', 'somebodx'));
    broken(3, /does not follow from the entry before it/);
    writeFileSync(file(2), second);

    renameSync(file(3), join(root, 'aside'));
    broken(3, /is missing before 000004\.json/);
    renameSync(join(root, 'aside'), file(3));

    writeFileSync(file(2), third);
    writeFileSync(file(3), second);
    broken(2, /says that it is entry 3/);
    writeFileSync(file(2), second);

    writeFileSync(file(3), third.replace('"number": 3', '"number": 4'));
    broken(3, /says that it is entry 4/);
    writeFileSync(file(3), '{}');
    broken(3, /is no ledger entry/);
    writeFileSync(file(3), third);
    assert.equal(readLedger(places, 'local').length, 9);
  });

  it('says what to do about a ledger of an earlier form', () => {
    writeFileSync(`${folder}.jsonl`, '{"schema":1}\n');
    assert.throws(() => readLedger(places, 'local'), { code: 'RECORD_OUTDATED', exitCode: 3 });
    rmSync(`${folder}.jsonl`);
  });
});
