import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import type { AdmissionRule } from '#infra/planning/platform/admission.ts';
import { Admission } from '#infra/platform/admission.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

const rule: AdmissionRule = {
  name: 'images-by-digest',
  why: 'a tag can be moved',
  message: 'name every image by its digest',
  match: { apiGroups: [''], resources: ['pods'], operations: ['CREATE', 'UPDATE'] },
  expression: "object.spec.containers.all(c, c.image.contains('@sha256:'))",
};

describe('admission', () => {
  it('is a policy and a binding for each rule', async () => {
    const recording = await record(() => new Admission('admission', { rules: [rule] }));
    const group = 'kubernetes:admissionregistration.k8s.io/v1';
    assert.deepEqual(outline(recording), [
      'orrery:platform:Admission admission',
      `${group}:ValidatingAdmissionPolicy admission-images-by-digest < admission`,
      `${group}:ValidatingAdmissionPolicyBinding admission-images-by-digest-binding < admission`,
    ]);
    assert.deepEqual([...recording.completed], ['admission']);
  });

  it('refuses and records, in the namespaces that bear our label alone', async () => {
    const recording = await record(() => new Admission('admission', { rules: [rule] }));
    assert.deepEqual(resourceNamed(recording, 'admission-images-by-digest-binding').inputs['spec'], {
      policyName: 'orrery-images-by-digest',
      validationActions: ['Deny', 'Audit'],
      matchResources: { namespaceSelector: { matchLabels: { 'orrery.dev/admission': 'enforce' } } },
    });
    assert.deepEqual(resourceNamed(recording, 'admission-images-by-digest').inputs['metadata'], {
      name: 'orrery-images-by-digest',
      annotations: { 'orrery.dev/why': 'a tag can be moved' },
    });
  });

  it('refuses two rules of one name before anything is registered', async () => {
    await assert.rejects(
      record(() => new Admission('admission', { rules: [rule, rule] })),
      (error) => error instanceof PlanError && error.code === 'ADMISSION_TWICE',
    );
  });
});
