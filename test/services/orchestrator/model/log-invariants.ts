import assert from 'node:assert/strict';

export interface ToldEntry {
  readonly n: number;
  readonly events: readonly (readonly unknown[])[];
}

const ended = ['succeeded', 'failed', 'skipped', 'cancelled'];

/** What holds of any log: nothing is missing, nothing is accepted twice, and no fence is given twice. */
export function assertLog(log: readonly ToldEntry[]): void {
  const sequences = new Map<string, number>();
  const states = new Map<string, string>();
  let fence = 0n;
  for (const [index, { n, events }] of log.entries()) {
    assert.equal(n, index + 1, 'the log has no gap');
    for (const [run, sequence, ref, , , given, from, to] of events as [
      string,
      number,
      string,
      string,
      number,
      string,
      string,
      string,
    ][]) {
      assert.equal(sequence, (sequences.get(run) ?? 0) + 1, `${run} has no gap`);
      sequences.set(run, sequence);
      if (ref === '') continue;
      const place = `${run}|${ref}`;
      assert.equal(from, states.get(place) ?? 'waiting', `${place} goes on from where it was`);
      states.set(place, to);
      // An ended step goes on only by a reset: in particular, no second result is accepted.
      if (ended.includes(from))
        assert.ok(['waiting', 'ready', 'suspended'].includes(to), `${place} went from ${from} to ${to}`);
      if (to !== 'running') continue;
      assert.ok(BigInt(given) > fence, `${place}: fences only grow`);
      fence = BigInt(given);
    }
  }
}
