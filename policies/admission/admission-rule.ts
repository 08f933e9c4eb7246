/** A rule for the cluster's own door, in the words of a ValidatingAdmissionPolicy; a component makes the objects of it. */
export interface AdmissionRule {
  /** Also the physical name of the policy, so that a refusal tells which it was. */
  readonly name: string;
  /** What happens to people or data when it is broken. */
  readonly why: string;
  /** What a refusal says. */
  readonly message: string;
  readonly match: {
    readonly apiGroups: readonly string[];
    readonly apiVersions: readonly string[];
    readonly resources: readonly string[];
    readonly operations: readonly ('CREATE' | 'UPDATE')[];
  };
  /** CEL, true where the object is admitted; `object` is what is asked for, `variables.…` what `variables` names. */
  readonly expression: string;
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
}

export const createdOrChanged = ['CREATE', 'UPDATE'] as const;

/** Pods themselves: whatever made them, Deployments, Jobs, operators or people. */
export const pods: AdmissionRule['match'] = {
  apiGroups: [''],
  apiVersions: ['v1'],
  resources: ['pods'],
  operations: ['CREATE'],
};

/** The containers of a pod, those that run and those that prepare. */
export const containers = {
  name: 'containers',
  expression: 'object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])',
};
