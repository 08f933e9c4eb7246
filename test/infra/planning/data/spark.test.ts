import assert from 'node:assert/strict';
import fc from 'fast-check';
import { emrRules, encodeBase36, planJobAccounts } from '#infra/planning/data/spark.ts';

describe('the plan of Spark jobs', () => {
  it('knows the service accounts that EMR will make for a role', () => {
    assert.deepEqual(planJobAccounts('111122223333', 'JobExecutionRoleIRSAv2'), [
      {
        part: 'client',
        serviceAccount: 'emr-containers-sa-spark-client-111122223333-c7ohmynrs14q04uudoef8n97xdufwajzua',
      },
      {
        part: 'driver',
        serviceAccount: 'emr-containers-sa-spark-driver-111122223333-c7ohmynrs14q04uudoef8n97xdufwajzua',
      },
      {
        part: 'executor',
        serviceAccount: 'emr-containers-sa-spark-executor-111122223333-c7ohmynrs14q04uudoef8n97xdufwajzua',
      },
    ]);
  });

  it('writes different roles differently', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        (left, right) => (left === right) === (encodeBase36(left) === encodeBase36(right)),
      ),
    );
    assert.equal(encodeBase36(''), '0');
    // AWS's own example, which has the role's name with the end of its line.
    assert.equal(encodeBase36('JobExecutionRoleIRSAv2\n'), '2eum5fah1jc1kwyjc19ikdhdkdegh1n26vbe');
    assert.equal(encodeBase36('a'), '2p');
  });

  it('lets EMR read no secret and do nothing to the cluster', () => {
    const secrets = emrRules.filter(({ resources }) => (resources as readonly string[]).includes('secrets'));
    assert.deepEqual(
      secrets.map(({ verbs }) => verbs),
      [['create', 'patch', 'delete', 'watch']],
    );
    assert.ok(!emrRules.some(({ verbs }) => (verbs as readonly string[]).includes('*')));
  });
});
