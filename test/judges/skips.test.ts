import assert from 'node:assert/strict';
import { environments, skipsOf, unskipped } from './exported.ts';

const checkovMax = 5;

describe('what judges are told to leave', () => {
  it(`is at most ${checkovMax} rules of checkov`, () => {
    const rules = skipsOf('checkov').map(({ rule }) => rule);
    assert.ok(rules.length <= checkovMax, rules.join(', '));
    assert.equal(new Set(rules).size, rules.length);
  });

  it('has a reason each, and environments that there are', () => {
    for (const judge of ['checkov', 'kube-score'] as const) {
      for (const { rule, reason, environments: named } of skipsOf(judge)) {
        assert.ok(reason.length > 20, `${rule} has no reason`);
        assert.ok(named.length > 0 && named.every((name) => environments.some((known) => known === name)), rule);
      }
    }
  });

  it('is one resource and one environment where those are named, and nothing beside', () => {
    const standby = { rule: 'CKV2_AWS_50', resource: 'aws_elasticache_replication_group.redis-state-group' };
    assert.deepEqual(unskipped('checkov', 'dev', [standby]), []);
    assert.deepEqual(unskipped('checkov', 'prod', [standby]), [standby]);
    const other = { ...standby, resource: 'aws_elasticache_replication_group.another' };
    assert.deepEqual(unskipped('checkov', 'dev', [other]), [other]);
  });
});
