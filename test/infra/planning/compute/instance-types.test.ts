import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { largestShape, shapeOf } from '#infra/planning/compute/instance-types.ts';

describe('the shape of an instance type', () => {
  const shapes: [string, number, number][] = [
    ['c6i.large', 2, 4],
    ['m7i.xlarge', 4, 16],
    ['r6a.2xlarge', 8, 64],
    ['m5.24xlarge', 96, 384],
    ['g6.12xlarge', 48, 192],
    ['t3.medium', 2, 4],
    ['t3.2xlarge', 8, 32],
  ];
  for (const [type, cpu, memoryGiB] of shapes) {
    it(`of ${type} is ${cpu} cores and ${memoryGiB} GiB`, () => {
      assert.deepEqual(shapeOf(type), { cpu, memoryGiB });
    });
  }

  it('is refused where it can not be counted, or is of another architecture', () => {
    for (const type of ['m7g.large', 'm7i.metal', 'm7i', 'x9.large', 't3.12xlarge', 'm7i.0xlarge', '']) {
      assert.throws(
        () => shapeOf(type),
        (error) => error instanceof PlanError && error.code === 'INSTANCE_TYPE_UNKNOWN',
        type,
      );
    }
  });

  it('of a pool is the most of each resource, which need not be of one type', () => {
    assert.deepEqual(largestShape(['c6i.4xlarge', 'r6i.2xlarge', 'm6i.large']), { cpu: 16, memoryGiB: 64 });
  });
});
