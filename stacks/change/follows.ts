import type { GraphResource } from '../render/graph.ts';
import type { Follow } from './change.ts';
import { nameOfUrn } from '../render/symbols.ts';
import { referencesIn, secretKey } from './references.ts';
import { effectAt } from './replacement.ts';
import { below, isFields, item, type Place } from './values.ts';

interface Mention {
  readonly urn: string;
  readonly path: string;
  readonly effect: Follow['effect'];
}

/** How far a replacement is followed: a longer chain than a graph has resources would be a circle. */
const followsMax = 10_000;

/**
 * What a replacement does to those that refer to it: where its outputs stand, something else will stand. A replacement that follows
 * is followed in turn. Keyed by the URN of the one that follows.
 */
export function followReplacements(
  graph: readonly GraphResource[],
  replaced: readonly string[],
): ReadonlyMap<string, Follow[]> {
  const places = placesByOwner(graph);
  const followed = new Map<string, Follow[]>();
  const origins = new Set(replaced);
  const seen = new Set(replaced);
  const open = [...replaced];
  for (let count = 0; open.length > 0 && count < followsMax; count += 1) {
    const of = open.shift() ?? '';
    for (const { urn, path, effect } of places.get(of) ?? []) {
      if (urn === of || origins.has(urn)) continue;
      push(followed, urn, { of, path, effect });
      if (effect !== 'replace' || seen.has(urn)) continue;
      seen.add(urn);
      open.push(urn);
    }
  }
  return followed;
}

/** For every resource the places that refer to it, and what is made by it. */
export function placesByOwner(graph: readonly GraphResource[]): Map<string, Mention[]> {
  const urns = urnsByOwner(graph);
  const places = new Map<string, Mention[]>();
  const add = (owner: string, place: Mention) => {
    for (const urn of urns.get(owner) ?? []) push(places, urn, place);
  };
  for (const resource of graph.filter(({ custom }) => custom)) {
    const { urn, inputs, options } = resource;
    walk(inputs, { path: '', pointer: '' }, (text, { path, pointer }) => {
      const owners = new Set(referencesIn(text).map(({ owner }) => owner));
      for (const owner of owners) add(owner, { urn, path, effect: effectAt(resource, pointer) });
    });
    const provider = options['provider'];
    // What another provider makes is another thing, as far as anybody can know before.
    if (typeof provider === 'string') add(provider, { urn, path: 'provider', effect: 'replace' });
  }
  return places;
}

/** A reference names a resource by its name, where several bear it by type and name, and where that does not help by its URN. */
function urnsByOwner(graph: readonly GraphResource[]): Map<string, string[]> {
  const urns = new Map<string, string[]>();
  for (const { urn, type } of graph) {
    for (const owner of [nameOfUrn(urn), `${type}::${nameOfUrn(urn)}`, urn]) push(urns, owner, urn);
  }
  return urns;
}

function push<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

type Visit = (text: string, at: Place) => void;

function walk(value: unknown, at: Place, visit: Visit): void {
  if (typeof value === 'string') {
    visit(value, at);
  } else if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) walk(inner, item(at, String(index), index), visit);
  } else if (isFields(value)) {
    // A secret stands where its text would.
    for (const [key, inner] of Object.entries(value)) walk(inner, key === secretKey ? at : below(at, key), visit);
  }
}
