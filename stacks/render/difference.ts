import { isDeepStrictEqual } from 'node:util';
import type { GraphResource } from './graph.ts';

/** One place where two graphs say different things. */
export interface Difference {
  readonly urn: string;
  /** JSON pointer into the resource, for example `/inputs/tags/created`; empty where one graph lacks the resource. */
  readonly property: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** Every difference, by URN and pointer; empty for equal graphs. */
export function compareGraphs(left: readonly GraphResource[], right: readonly GraphResource[]): Difference[] {
  const [before, after] = [byUrn(left), byUrn(right)];
  const urns = [...new Set([...before.keys(), ...after.keys()])].sort();
  return urns.flatMap((urn) => {
    const [one, other] = [before.get(urn), after.get(urn)];
    if (one === undefined || other === undefined) {
      return [{ urn, property: '', left: one && 'present', right: other && 'present' }];
    }
    return compareValues(one, other).map((difference) => ({ urn, ...difference }));
  });
}

/** For people: `urn /inputs/tags/created: "a" or "b"`. */
export function showDifference({ urn, property, left, right }: Difference): string {
  return `${urn}${property === '' ? '' : ` ${property}`}: ${show(left)} or ${show(right)}`;
}

function compareValues(left: unknown, right: unknown, pointer = ''): Omit<Difference, 'urn'>[] {
  if (isDeepStrictEqual(left, right)) return [];
  const [one, other] = [fieldsOf(left), fieldsOf(right)];
  if (one === undefined || other === undefined || Array.isArray(left) !== Array.isArray(right)) {
    return [{ property: pointer, left, right }];
  }
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return keys.flatMap((key) =>
    compareValues(one[key], other[key], `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

function fieldsOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function byUrn(graph: readonly GraphResource[]): Map<string, GraphResource> {
  return new Map(graph.map((resource) => [resource.urn, resource]));
}

const shownMax = 200;

function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}
