import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'mocha';
import { hookSecret, readDelivery, signDelivery } from '#services/orchestrator/src/triggers/webhook.ts';

const token = 'a'.repeat(64);
const atSeconds = 1_767_268_800;
const body = Buffer.from('{"ref":"main"}');
const secret = hookSecret(token, 'main', 'git');
const delivered = { tenant: 'main', hook: 'git', delivery: undefined, body };
const now = { token, nowMs: atSeconds * 1000 };
const read = (parts: Partial<Parameters<typeof readDelivery>[0]>, nowMs = now.nowMs) =>
  readDelivery({ ...delivered, signature: signDelivery(secret, { body, atSeconds }), ...parts }, { token, nowMs });
const refuses = (code: string, parts: Partial<Parameters<typeof readDelivery>[0]>, nowMs?: number) => {
  assert.throws(() => read(parts, nowMs), { code });
};

describe('a webhook', () => {
  it('takes what is signed as its page says: HMAC-SHA256 of time, dot, body', () => {
    const v1 = createHmac('sha256', secret).update(`${atSeconds}.{"ref":"main"}`).digest('hex');
    const { id, ...event } = read({ signature: `t=${atSeconds},v1=${v1}` });
    const expected = { kind: 'webhook', tenant: 'main', name: 'git', atMs: atSeconds * 1000, payload: { ref: 'main' } };
    assert.deepEqual(event, expected);
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(read({ signature: `t=${atSeconds},v1=${v1}` }).id, id);
  });

  it('takes the id of the delivery from the sender, and only as it was signed', () => {
    const signature = signDelivery(secret, { body, delivery: 'd-1', atSeconds });
    assert.equal(read({ signature, delivery: 'd-1' }).id, 'd-1');
    refuses('HOOK_SIGNATURE_INVALID', { signature, delivery: 'd-2' });
    refuses('HOOK_SIGNATURE_INVALID', { signature });
    refuses('HOOK_DELIVERY_INVALID', { signature, delivery: 'd 1' });
    refuses('HOOK_BODY_INVALID', { signature, body: Buffer.from('d-1.{"ref":"main"}') });
  });

  it('has another secret for each hook, tenant and platform', () => {
    const secrets = [
      secret,
      hookSecret(token, 'main', 'other'),
      hookSecret(token, 'other', 'git'),
      hookSecret('b'.repeat(64), 'main', 'git'),
    ];
    assert.equal(new Set(secrets).size, 4);
    for (const other of secrets.slice(1)) {
      refuses('HOOK_SIGNATURE_INVALID', { signature: signDelivery(other, { body, atSeconds }) });
    }
    assert.match(secret, /^whsec_[A-Za-z0-9_-]{43}$/);
  });

  it('refuses another body, another time, and what is no signature', () => {
    const v1 = signDelivery(secret, { body, atSeconds }).slice(-64);
    refuses('HOOK_SIGNATURE_INVALID', { body: Buffer.from('{"ref":"evil"}') });
    for (const signature of [
      undefined,
      '',
      `v1=${v1}`,
      `t=${atSeconds}`,
      `t=${atSeconds},v1=${v1.slice(1)}`,
      `t=${atSeconds + 1},v1=${v1}`,
      `t=${atSeconds},t=${atSeconds},v1=${v1}`,
      `t=${atSeconds}${`,v1=${v1}`.repeat(6)}`,
    ]) {
      refuses('HOOK_SIGNATURE_INVALID', { signature });
    }
  });

  it('takes one of two signatures while a sender changes its secret', () => {
    const v1 = signDelivery(secret, { body, atSeconds }).slice(-64);
    assert.equal(read({ signature: `t=${atSeconds},v1=${'0'.repeat(64)},v1=${v1}` }).name, 'git');
  });

  it('takes five minutes of difference between the clocks, and no more', () => {
    for (const seconds of [-300, 300]) assert.equal(read({}, (atSeconds + seconds) * 1000).name, 'git');
    for (const seconds of [-301, 301]) refuses('HOOK_EXPIRED', {}, (atSeconds + seconds) * 1000);
  });

  it('takes a JSON object of at most 256 KiB', () => {
    const signed = (text: string) => ({
      body: Buffer.from(text),
      signature: signDelivery(secret, { body: Buffer.from(text), atSeconds }),
    });
    for (const text of ['', '5', '[]', 'null', '{']) refuses('HOOK_BODY_INVALID', signed(text));
    const frame = '{"a":""}'.length;
    const filled = (bytes: number) => `{"a":"${'x'.repeat(bytes - frame)}"}`;
    assert.equal(read(signed(filled(262_144))).name, 'git');
    refuses('HOOK_BODY_TOO_LARGE', signed(filled(262_145)));
  });
});
