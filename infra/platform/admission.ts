import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions } from '@pulumi/pulumi';
import { planAdmission, planAdmissionPolicy, type AdmissionRule } from '../planning/platform/admission.ts';
import { admissionLabel } from './namespace.ts';

export interface AdmissionArgs {
  /** Names are unique; the order doesn't matter. */
  readonly rules: readonly AdmissionRule[];
}

/**
 * Rules that the API server itself asks, in the namespaces that bear our label: what breaks one is refused, whoever brings it, and the
 * audit log says so.
 * Cost driver: none.
 * Refuses: two rules of one name, a rule that asks nothing.
 */
export class Admission extends ComponentResource {
  constructor(name: string, { rules }: AdmissionArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Admission', name, {}, options);
    for (const rule of planAdmission(rules)) this.#create(name, rule);
    this.registerOutputs();
  }

  #create(name: string, rule: AdmissionRule): void {
    const policy = new kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
      `${name}-${rule.name}`,
      {
        // Whoever is refused reads this name.
        metadata: { name: `orrery-${rule.name}`, annotations: { 'orrery.dev/why': rule.why } },
        spec: planAdmissionPolicy(rule),
      },
      { parent: this },
    );
    new kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
      `${name}-${rule.name}-binding`,
      {
        metadata: { name: `orrery-${rule.name}` },
        spec: {
          policyName: policy.metadata.name,
          validationActions: ['Deny', 'Audit'],
          matchResources: { namespaceSelector: { matchLabels: { ...admissionLabel } } },
        },
      },
      { parent: this },
    );
  }
}
