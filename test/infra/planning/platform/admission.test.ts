import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { planAdmission, planAdmissionPolicy, type AdmissionRule } from '#infra/planning/platform/admission.ts';

const rule: AdmissionRule = {
  name: 'images-by-digest',
  why: 'a tag can be moved',
  message: 'name every image by its digest',
  match: { apiGroups: [''], resources: ['pods'], operations: ['CREATE', 'UPDATE'] },
  expression: "object.spec.containers.all(c, c.image.contains('@sha256:'))",
};

function refusedAs(code: string) {
  return (error: unknown) => error instanceof PlanError && error.code === code;
}

describe('admission rules', () => {
  it('become policies that refuse what they can’t judge', () => {
    assert.deepEqual(planAdmissionPolicy(rule), {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['*'], resources: ['pods'], operations: ['CREATE', 'UPDATE'] }],
      },
      // What an operator makes is its publisher's; a person's object with the same label is asked.
      matchConditions: [
        {
          name: 'not-made-by-an-operator',
          expression:
            "!(object.metadata.?labels[?'strimzi.io/cluster'].hasValue() && " +
            "(request.userInfo.username == 'system:serviceaccount:orrery-system:strimzi-cluster-operator' || " +
            "request.userInfo.username.startsWith('system:serviceaccount:kube-system:')))",
        },
      ],
      validations: [
        {
          expression: "object.spec.containers.all(c, c.image.contains('@sha256:'))",
          message: 'name every image by its digest',
          reason: 'Forbidden',
        },
      ],
    });
  });

  it('carry what their expressions name', () => {
    const containers = { name: 'containers', expression: 'object.spec.containers' };
    const named = { ...rule, variables: [containers], expression: 'variables.containers.all(c, has(c.resources))' };
    assert.deepEqual(planAdmissionPolicy(named).variables, [
      { name: 'containers', expression: 'object.spec.containers' },
    ]);
  });

  it('that name something which they do not define are refused', () => {
    const wrong = { ...rule, expression: 'variables.containers.all(c, has(c.resources))' };
    assert.throws(() => planAdmission([wrong]), refusedAs('ADMISSION_VARIABLE'));
  });

  it('come in the order of their names, whatever order they are given in', () => {
    const first = { ...rule, name: 'a-rule' };
    assert.deepEqual(planAdmission([rule, first]), [first, rule]);
  });

  it('are told apart by name, and each asks something of somebody', () => {
    assert.throws(() => planAdmission([rule, rule]), refusedAs('ADMISSION_TWICE'));
    assert.throws(() => planAdmission([{ ...rule, name: 'Images By Digest' }]), refusedAs('ADMISSION_NAME'));
    const nobody = { ...rule, match: { ...rule.match, resources: [] } };
    for (const empty of [nobody, { ...rule, expression: ' ' }, { ...rule, message: '' }]) {
      assert.throws(() => planAdmission([empty]), refusedAs('ADMISSION_EMPTY'));
    }
  });
});
