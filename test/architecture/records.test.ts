import assert from 'node:assert/strict';
import { join } from 'node:path';
import { formatFault } from '#stacks/promotion/audit-fault.ts';
import { auditHistory } from '#stacks/promotion/audit-history.ts';
import { auditRecords } from '#stacks/promotion/audit-records.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the records of this repository', function () {
  this.timeout(120_000);

  it('were only ever added to, by every commit, and are here as they were committed', async function () {
    const { faults, shallow } = await auditHistory(root);
    assert.deepEqual(faults.map(formatFault), []);
    if (shallow) this.skip();
  });

  it('are what their names say, follow from each other, and hold what the pins name', async function () {
    const { shallow } = await auditHistory(root);
    if (shallow) this.skip();
    const { faults } = await auditRecords({ root, state: join(root, '.orrery') }, 'git');
    assert.deepEqual(faults.map(formatFault), []);
  });
});
