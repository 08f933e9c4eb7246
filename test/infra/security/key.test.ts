import assert from 'node:assert/strict';
import { Key } from '#infra/security/key.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('a key', () => {
  it('rotates, takes thirty days to be deleted, and is protected like the data under it', async () => {
    const recording = await record(() => new Key('key', { description: 'everything', accountId: '111122223333' }));
    assert.deepEqual(outline(recording), ['orrery:security:Key key', 'aws:kms/key:Key key-key < key']);
    const key = resourceNamed(recording, 'key-key');
    assert.equal(key.inputs['enableKeyRotation'], true);
    assert.equal(key.inputs['deletionWindowInDays'], 30);
    assert.deepEqual([key.protect, key.retainOnDelete], [true, true]);
    assert.deepEqual([...recording.completed], ['key']);
  });

  it('leaves the account in charge, and admits services only for this account', async () => {
    const servicePrincipals = ['logs.eu-west-1.amazonaws.com', 'cloudwatch.amazonaws.com'];
    const args = { description: 'everything', accountId: '111122223333', servicePrincipals };
    const recording = await record(() => new Key('key', args));
    const policy = JSON.parse(String(resourceNamed(recording, 'key-key').inputs['policy'])) as {
      Statement: Record<string, unknown>[];
    };
    assert.deepEqual(
      policy.Statement.map((statement) => [statement['Principal'], statement['Condition']]),
      [
        [{ AWS: 'arn:aws:iam::111122223333:root' }, undefined],
        [
          { Service: 'logs.eu-west-1.amazonaws.com' },
          { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': 'arn:aws:logs:eu-west-1:111122223333:*' } },
        ],
        [{ Service: 'cloudwatch.amazonaws.com' }, { StringEquals: { 'aws:SourceAccount': '111122223333' } }],
      ],
    );
  });
});
