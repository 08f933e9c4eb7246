import type { PolicyChange, Reason } from './change.ts';
import { listed, quote, type Sentence } from './wording.ts';

/** The same rule at the same property, by one resource or by many. */
export interface ViolationFold extends Pick<PolicyChange, 'operation' | 'rule' | 'property'> {
  /** `type name` each; empty for a rule that was added or removed. */
  readonly resources: readonly string[];
  /** Empty where they have different ones. */
  readonly problem: string;
}

/** Folds what breaks a rule, or no longer does, by rule and property, in the order in which they are found. */
export function foldViolations(changes: readonly PolicyChange[]): ViolationFold[] {
  const groups = new Map<string, PolicyChange[]>();
  for (const change of changes) {
    const key = JSON.stringify([change.operation, change.rule, change.property]);
    groups.set(key, [...(groups.get(key) ?? []), change]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { operation, rule, property, problem } = first;
    const same = group.every((one) => one.problem === problem);
    const resources = group.map(({ resource }) => resource).filter((resource) => resource !== '');
    return [{ operation, rule, property, resources, problem: same ? problem : '' }];
  });
}

/** `broken at protect by 6: store-bucket, key-key, …`; one alone is named with its type. */
export function foldText({ operation, property, resources }: ViolationFold): Sentence {
  const [only] = resources;
  if (only === undefined) return operation;
  if (resources.length === 1) return `${operation} by ${quote(only)} at ${quote(property)}`;
  // A type has no space in it.
  const names = resources.map((resource) => resource.slice(resource.indexOf(' ') + 1));
  return `${operation} at ${quote(property)} by ${resources.length}: ${listed(names)}`;
}

/** Reasons of broken policies, those of the same rule and property in one. */
export function foldReasons(reasons: readonly Reason[], changes: readonly PolicyChange[]): Reason[] {
  const [sample] = reasons;
  if (sample === undefined) return [];
  return foldViolations(changes.filter(({ operation }) => operation === 'broken')).map((fold) => {
    const [only = ''] = fold.resources;
    if (fold.resources.length > 1) return { ...sample, subject: fold.rule, text: `is ${foldText(fold)}` };
    return { ...sample, subject: only, text: `breaks ${quote(fold.rule)} at ${quote(fold.property)}` };
  });
}
