import assert from 'node:assert/strict';
import { isSecret } from '@pulumi/pulumi';
import { Token } from '#infra/security/token.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('the token of an environment', () => {
  it('is long, of letters and digits that every store accepts, and protected', async () => {
    const recording = await record(() => new Token('token', { namespace: 'orrery' }));
    assert.deepEqual(outline(recording), [
      'orrery:security:Token token',
      'random:index/randomPassword:RandomPassword token-password < token',
      'kubernetes:core/v1:Secret token-secret < token',
    ]);
    const password = resourceNamed(recording, 'token-password');
    assert.deepEqual(password.inputs, { length: 48, special: false });
    assert.deepEqual([password.protect, password.retainOnDelete], [true, true]);
  });

  it('is handed out as a secret alone', async () => {
    const recording = await record(() => new Token('token', { namespace: 'orrery' }));
    assert.equal(await isSecret(recording.result.value), true);
    assert.deepEqual(resourceNamed(recording, 'token-secret').inputs, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'orrery' },
      stringData: { $secret: { token: '${token-password.result}' } },
    });
  });
});
