import assert from 'node:assert/strict';
import { shortDigest } from '@orrery/contracts/digest';
import { compare } from '#stacks/change/compare.ts';
import { formatTerminal } from '#stacks/change/terminal.ts';
import { applyCase, prepareCase, type ChangeCase } from './corpus/case.ts';
import { infrastructureCases } from './corpus/infrastructure.ts';
import { serviceCases } from './corpus/services.ts';
import { baseWorld, contextOf, sideOf } from './corpus/world.ts';

const cases: readonly ChangeCase[] = [...serviceCases, ...infrastructureCases];

describe('a preview of realistic changes', () => {
  for (const one of cases) {
    it(`tells: ${one.name}`, () => {
      const [before, after] = [prepareCase(baseWorld(), one), applyCase(baseWorld(), one)];
      const [base, head] = [sideOf(before, 'prod'), sideOf(after, 'working tree')];
      const change = compare(base, head, contextOf(before, after));
      const text = formatTerminal(change, { color: false, plain: false })
        .replaceAll(shortDigest(base.digest), 'BASE')
        .replaceAll(shortDigest(head.digest), 'HEAD')
        .replaceAll(/\b[0-9a-f]{12}\b/g, '#');
      const lines = text.split('\n');
      if (process.env['SHOW'] === '1') console.log(text);
      assert.deepEqual(lines.slice(0, one.lines.length), one.lines);
      assert.equal(change.verdict.level, one.verdict);
    });
  }

  it('covers at least twenty changes', () => {
    assert.ok(cases.length >= 20, `${cases.length} changes`);
  });
});
