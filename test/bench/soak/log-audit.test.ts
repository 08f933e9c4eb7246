import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { auditLog } from '#bench/soak/log-audit.ts';

type Event = readonly (string | number)[];

const entry = (n: number, events: readonly Event[]) =>
  JSON.stringify({ n, at: `${n}000000`, release: 'r', call: ['exchange'], runs: {}, events });
const moves = (sequence: number, [ref, fence]: readonly [string, string], [from, to, reason = '']: readonly string[]) =>
  ['s00-a', sequence, ref, ref === '' ? '' : 'train', 1, fence, from, to, reason, ''] as Event;

const queued = moves(1, ['', '0'], ['', 'queued']);
const taken = moves(2, ['0', '7'], ['ready', 'running']);
const lapsed = moves(3, ['0', '7'], ['running', 'ready', 'lease lost']);
const again = moves(4, ['0', '8'], ['ready', 'running']);
const succeeded = moves(5, ['0', '8'], ['running', 'succeeded']);
const ended = moves(6, ['', '0'], ['running', 'succeeded']);
const whole = [entry(1, [queued, taken]), entry(2, [lapsed]), entry(3, [again]), entry(4, [succeeded, ended])];

describe('the audit of a log', () => {
  it('finds nothing wrong with one that is whole, in any order and with entries published twice', () => {
    const audit = auditLog([...whole.toReversed(), ...whole]);
    assert.deepEqual([audit.entries, audit.holes, audit.forks, audit.sequenceFaults], [4, 0, [], []]);
    assert.deepEqual([audit.acceptedTwice, audit.unended], [[], []]);
    assert.deepEqual([...audit.runs], [['s00-a', 'succeeded']]);
    assert.deepEqual([...audit.accepted], ['s00-a 0 8']);
    assert.deepEqual(audit.lapses, [{ run: 's00-a', ref: '0', lapsedAtMs: 2000, takenAgainAtMs: 3000 }]);
  });

  it('finds an entry that is missing, by its place and by the sequence of its runs', () => {
    const audit = auditLog([...whole.slice(0, 1), ...whole.slice(2)]);
    assert.deepEqual([audit.holes, audit.sequenceFaults], [1, ['s00-a 4']]);
  });

  it('finds two entries at one place that say different things', () => {
    assert.deepEqual(auditLog([...whole, entry(2, [])]).forks, [2]);
  });

  it('finds a result that was accepted under two fences, and a step that nobody ended', () => {
    const twice = moves(7, ['0', '9'], ['running', 'succeeded']);
    assert.deepEqual(auditLog([...whole, entry(5, [twice])]).acceptedTwice, ['s00-a 0']);
    const left = auditLog(whole.slice(0, 2));
    assert.deepEqual([left.unended, left.lapses[0]?.takenAgainAtMs], [['s00-a 0'], undefined]);
  });
});
