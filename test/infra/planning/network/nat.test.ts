import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planNat, planNatScript, type NatMode } from '#infra/planning/network/nat.ts';

const zones = ['eu-west-1a', 'eu-west-1b', 'eu-west-1c'];
const natInstance = { instanceType: 't4g.nano', imageId: 'ami-0123456789abcdef0' };

function refused(error: unknown): boolean {
  return error instanceof PlanError && error.code === 'NAT_INVALID';
}

describe('planning the way out of a network', () => {
  it('stands in no zone, in the first, in each, or in none in particular', () => {
    const plan = (nat: NatMode) => planNat({ zones, nat });
    assert.deepEqual(plan('none'), { kind: 'none' });
    assert.deepEqual(plan('single'), { kind: 'zonal', zones: ['eu-west-1a'] });
    assert.deepEqual(plan('perAz'), { kind: 'zonal', zones });
    assert.deepEqual(plan('regional'), { kind: 'regional' });
    assert.deepEqual(planNat({ zones, nat: 'instance', natInstance }), {
      kind: 'instance',
      zone: 'eu-west-1a',
      instance: natInstance,
    });
  });

  it('refuses a machine that nobody describes, and a description of none', () => {
    assert.throws(() => planNat({ zones, nat: 'instance' }), refused);
    for (const nat of ['none', 'single', 'regional', 'perAz'] as const) {
      assert.throws(() => planNat({ zones, nat, natInstance }), refused, nat);
    }
  });

  it('puts the machine’s address on what leaves the network, and on nothing within it', () => {
    const script = planNatScript('10.20.0.0/16');
    assert.match(script, /^#!\/bin\/sh\nset -eu\n/);
    assert.match(script, /^ {4}ip saddr 10\.20\.0\.0\/16 ip daddr != 10\.20\.0\.0\/16 masquerade$/m);
    assert.match(script, /net\.ipv4\.ip_forward = 1/);
    assert.match(script, /systemctl enable --now orrery-nat\.service/);
  });
});
