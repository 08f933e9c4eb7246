import assert from 'node:assert/strict';
import { countHoles } from '#bench/orchestrator/engines/orrery-log.ts';
import { defineWorkflows } from '#bench/orchestrator/engines/orrery-workflows.ts';
import { judgeGoals, type Figures } from '#bench/orchestrator/goals.ts';
import { kinds, planOf, unitsOf } from '#bench/orchestrator/workloads.ts';
import { readDefinition } from '@orrery/contracts/definition';

const figures = (unitsPerSecond: number, unitsPerCpuSecond: number): Figures => ({
  ...{ wallMs: 1000, submitMs: 10, unitsPerSecond, unitsPerCpuSecond, cpuMsPerUnit: 1000 / unitsPerCpuSecond },
  ...{ longestMs: 4, p99: () => 12 },
});

describe('the workloads of the benchmark', () => {
  for (const kind of kinds) {
    it(`are definitions that the contract takes: ${kind}`, () => {
      const files = defineWorkflows([planOf(kind, 'quick').workload]);
      assert.ok(files.length > 0);
      for (const { name, text } of files) {
        const read = readDefinition(text, name);
        assert.deepEqual(read.ok ? [] : read.problems.slice(0, 3), []);
      }
    });
  }

  it('count the join of a fan-out and both ends of a diamond', () => {
    assert.deepEqual(unitsOf({ kind: 'fan-out', tasks: 10_000 }), { count: 10_001, unit: 'task' });
    assert.deepEqual(unitsOf({ kind: 'diamonds', runs: 1000, wide: 8 }), { count: 10_000, unit: 'step' });
    assert.deepEqual(unitsOf({ kind: 'wide', layers: 100, columns: 1000 }), { count: 100_000, unit: 'step' });
  });

  it('hold ours to five times the work per CPU second and three times the throughput, where a peer was measured', () => {
    const goals = judgeGoals({ kind: 'fan-out', tasks: 10 }, figures(9000, 20_000), figures(3000, 4100));
    assert.deepEqual(
      goals.map(({ met }) => met),
      [false, true, false, true],
    );
    assert.equal(judgeGoals({ kind: 'fan-out', tasks: 10 }, figures(9000, 20_000), undefined).length, 2);
  });

  it('see a number of the log that lacks, and none that came twice', () => {
    assert.equal(countHoles([1, 2, 4, 4, 5]), 1);
    assert.equal(countHoles([2]), 1);
    assert.equal(countHoles([]), 0);
  });
});
