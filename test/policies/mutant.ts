import type { Resource } from '#policies/graph.ts';

/** A fault planted in the exemplar, and what must be found then, by one rule alone. */
export interface Mutant {
  readonly rule: string;
  readonly fault: string;
  /** Whose pack judges it. */
  readonly environment: 'dev' | 'prod';
  readonly plant: Planting;
  /** `name property` of each finding, in the graph's order; `graph property` for what is missing from all of it. */
  readonly found: readonly string[];
}

/** A change that looks like a fault and is none. */
export interface Variant {
  readonly change: string;
  readonly environment: 'dev' | 'prod';
  readonly plant: Planting;
}

export type Planting =
  | {
      /** Name of the resource that is changed. */
      readonly into: string;
      readonly change: Partial<Pick<Resource, 'parent' | 'protect' | 'retainOnDelete' | 'providers'>>;
    }
  | {
      readonly into: string;
      /** Path in the inputs, to the value that replaces what stands there; undefined removes it. */
      readonly set: Readonly<Record<string, unknown>>;
    }
  | { readonly add: Pick<Resource, 'type' | 'name' | 'inputs'> & Partial<Resource> }
  | { readonly remove: string };

type Told = readonly [fault: string, plant: Planting, ...found: string[]];

/** Faults that one rule alone must find; in prod, unless they are said to be of dev. */
export function mutantsOf(
  rule: string,
  faults: readonly Told[],
  environment: Mutant['environment'] = 'prod',
): Mutant[] {
  return faults.map(([fault, plant, ...found]) => ({ rule, fault, environment, plant, found }));
}

export function set(into: string, values: Readonly<Record<string, unknown>>): Planting {
  return { into, set: values };
}

export function add(type: string, name: string, inputs: Resource['inputs']): Planting {
  return { add: { type, name, inputs } };
}
