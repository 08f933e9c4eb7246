import { valueAt, type Resource } from './graph.ts';
import { violationAt, type Violation } from './rule.ts';

/** What must stand at a path of a resource's inputs. */
export interface Demand {
  /** Without lists, for example `metadataOptions.httpTokens`. */
  readonly property: string;
  readonly accepts: (value: unknown) => boolean;
  readonly problem: string;
}

export function unmet(resource: Resource, demands: readonly Demand[] = []): Violation[] {
  return demands
    .map((demand) => ({ ...demand, value: valueAt(resource.inputs, demand.property) }))
    .filter(({ accepts, value }) => !accepts(value))
    .map(({ property, value, problem }) => violationAt(resource, { property, value }, problem));
}

/** A key, an address, a name: any text, so a symbol too; a secret that can't be read is none. */
export function isGiven(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Where engines and providers pass truth as text. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

export function isOneOf(...allowed: readonly unknown[]): (value: unknown) => boolean {
  return (value) => allowed.includes(value);
}

export function isAtLeast(min: number): (value: unknown) => boolean {
  return (value) => typeof value === 'number' && value >= min;
}
