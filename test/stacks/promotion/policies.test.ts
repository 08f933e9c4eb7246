import assert from 'node:assert/strict';
import { CommandError } from '#stacks/errors.ts';
import { assertPoliciesHold, judgeRender } from '#stacks/promotion/policies.ts';
import type { GraphResource } from '#stacks/render/graph.ts';

function release(name: string): GraphResource {
  return {
    urn: `urn:pulumi:prod::orrery::kubernetes:helm.sh/v3:Release::${name}`,
    type: 'kubernetes:helm.sh/v3:Release',
    name,
    parent: null,
    custom: true,
    inputs: { name, chart: 'keda', version: '2.18.1' },
    dependencies: [],
    propertyDependencies: {},
    options: {},
  };
}

describe('judging what is about to be deployed', () => {
  it('refuses prod what nobody has asked its publisher about, and lets dev have it', () => {
    const rulesOf = (environment: string) => judgeRender(environment, [release('keda')]).map(({ rule }) => rule);
    assert.ok(rulesOf('prod').includes('versions-verified'));
    assert.ok(!rulesOf('dev').includes('versions-verified'));
  });

  it('names the first ten and counts the rest, says that nothing was changed, and ends unsafe', () => {
    const graph = Array.from({ length: 12 }, (_, index) => release(`keda-${index}`));
    const count = judgeRender('prod', graph).length;
    assert.throws(
      () => assertPoliciesHold('prod', graph),
      (error) =>
        error instanceof CommandError &&
        error.code === 'POLICY_BROKEN' &&
        error.exitCode === 3 &&
        error.message.includes(`and ${count - 10} more`) &&
        error.hint.startsWith('nothing was changed'),
    );
  });

  it('lets pass what breaks nothing', () => {
    assert.doesNotThrow(() => assertPoliciesHold('dev', []));
  });
});
