import { PlanError } from '#infra/errors.ts';

/** One rule that the API server asks of every object that is made or changed in our namespaces. */
export interface AdmissionRule {
  /** Lower case words with hyphens: the rule's file. */
  readonly name: string;
  /** What happens to people or data when it is broken. */
  readonly why: string;
  /** What whoever is refused reads: what is wrong and what to change. */
  readonly message: string;
  readonly match: {
    /** For example `apps`; the empty text is the core. */
    readonly apiGroups: readonly string[];
    /** Plural names, for example `deployments`. */
    readonly resources: readonly string[];
    readonly operations: readonly ('CREATE' | 'UPDATE')[];
  };
  /** CEL: true where the object is admitted; `object` is what is asked for, `variables.<name>` what `variables` names. */
  readonly expression: string;
  /** What the expression names, in CEL; each may use those before it. Default: none. */
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
}

/** Refuses rules that could not be told apart, and one that asks nothing of anybody. */
export function planAdmission(rules: readonly AdmissionRule[]): AdmissionRule[] {
  const names = rules.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw refuse('ADMISSION_TWICE', `two admission rules are named ${twice}`, 'give each a name of its own');
  }
  for (const { name, match, expression, message, variables = [] } of rules) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
      throw refuse('ADMISSION_NAME', `"${name}" names no admission rule`, 'use lower case words with hyphens');
    }
    const empty = [match.apiGroups, match.resources, match.operations].some((list) => list.length === 0);
    if (empty || expression.trim() === '' || message.trim() === '') {
      throw refuse('ADMISSION_EMPTY', `the admission rule ${name} lacks what it asks or of whom`, 'fill every field');
    }
    // The API server refuses such a policy, in the middle of a deployment.
    const used = [...expression.matchAll(/\bvariables\.(\w+)/g)].map(([, variable]) => variable);
    const unknown = used.find((variable) => !variables.some((known) => known.name === variable));
    if (unknown !== undefined) {
      const message = `the admission rule ${name} asks for variables.${unknown}, which it does not define`;
      throw refuse('ADMISSION_VARIABLE', message, 'put it into variables');
    }
  }
  return [...rules].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/**
 * What an operator makes is its publisher's, as charts are: nobody here can give those pods other images or roots. Only what the
 * operator itself brings, or a controller of Kubernetes on its behalf, is let by: a person's object with the same label is asked.
 */
const madeByOperator = {
  name: 'not-made-by-an-operator',
  expression:
    "!(object.metadata.?labels[?'strimzi.io/cluster'].hasValue()" +
    " && (request.userInfo.username == 'system:serviceaccount:orrery-system:strimzi-cluster-operator'" +
    " || request.userInfo.username.startsWith('system:serviceaccount:kube-system:')))",
};

/** `admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy`. Where a rule can't be judged, the object is refused. */
export function planAdmissionPolicy({ match, message, expression, variables = [] }: AdmissionRule) {
  return {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: [...match.apiGroups],
          apiVersions: ['*'],
          resources: [...match.resources],
          operations: [...match.operations],
        },
      ],
    },
    matchConditions: [madeByOperator],
    ...(variables.length === 0 ? {} : { variables: variables.map((variable) => ({ ...variable })) }),
    validations: [{ expression, message, reason: 'Forbidden' }],
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
