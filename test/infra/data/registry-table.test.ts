import assert from 'node:assert/strict';
import { RegistryTable } from '#infra/data/registry-table.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('the table of the registry', () => {
  it('is paid by request, encrypted by our key, put back to any second, and never deleted', async () => {
    const recording = await record(() => new RegistryTable('registry', { keyArn: 'arn:aws:kms:::key/1' }));
    assert.deepEqual(outline(recording), [
      'orrery:data:RegistryTable registry',
      'aws:dynamodb/table:Table registry-table < registry',
    ]);
    const table = resourceNamed(recording, 'registry-table');
    assert.deepEqual([table.protect, table.retainOnDelete], [true, true]);
    assert.deepEqual(table.inputs, {
      billingMode: 'PAY_PER_REQUEST',
      hashKey: 'log',
      rangeKey: 'number',
      attributes: [
        { name: 'log', type: 'S' },
        { name: 'number', type: 'N' },
      ],
      pointInTimeRecovery: { enabled: true },
      serverSideEncryption: { enabled: true, kmsKeyArn: 'arn:aws:kms:::key/1' },
      deletionProtectionEnabled: true,
    });
    assert.deepEqual([...recording.completed], ['registry']);
  });
});
