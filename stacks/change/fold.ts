import type { PropertyChange, ResourceChange } from './change.ts';
import { isRoutine } from './routine.ts';
import type { ValueChange } from './values.ts';

/** The same change in several places, told once. */
export interface Fold {
  /** The last step of the paths, without doubles: `image`, `["orrery.dev/release"]`. */
  readonly keys: readonly string[];
  /** With `{name}` where the resource's own name stands. */
  readonly change: ValueChange;
  readonly places: number;
  readonly resources: readonly string[];
}

export interface Folded {
  readonly folds: readonly Fold[];
  /** What is left to be told of each resource, by URN. */
  readonly rest: ReadonlyMap<string, readonly PropertyChange[]>;
}

interface Place {
  readonly resource: ResourceChange;
  readonly property: PropertyChange;
}

/** From so many places on a change is told once for all of them. */
const foldedMin = 2;
/** Two values that are so long in JSON are the same for a reason, wherever they stand. */
const distinctiveMin = 36;
/** A name that is shorter would be found in too much. */
const nameMin = 3;

/** Finds changes that are the same modulo the resource's own name. What forces a replacement stays with its resource. */
export function foldProperties(changes: readonly ResourceChange[]): Folded {
  const groups = new Map<string, Place[]>();
  const rest = new Map<string, PropertyChange[]>();
  for (const resource of changes) {
    rest.set(resource.urn, []);
    for (const property of [...resource.properties, ...resource.options.filter((one) => isNews(one, resource))]) {
      const key = keyOf(resource, property);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [{ resource, property }]);
      else group.push({ resource, property });
    }
  }
  const folds: Fold[] = [];
  for (const places of groups.values()) {
    const [first] = places;
    if (first !== undefined && places.length >= foldedMin) folds.push(foldOf(places, first));
    else if (first !== undefined) rest.get(first.resource.urn)?.push(first.property);
  }
  return { folds: folds.sort((left, right) => right.places - left.places), rest };
}

/** That something waits for what it refers to goes without saying. */
function isNews({ path }: ValueChange, { properties }: ResourceChange): boolean {
  return path !== 'dependencies' || properties.length === 0;
}

function keyOf(resource: ResourceChange, property: PropertyChange): string {
  const { urn, name } = resource;
  const { path, before, after, effect } = property;
  if (effect !== undefined && effect !== 'ignore' && !isRoutine(resource)) return `${urn} ${path}`;
  const move = JSON.stringify([withoutName(before, name), withoutName(after, name), effect === 'ignore']);
  // 1 -> 2 here has nothing to do with 1 -> 2 there, unless it is the same property.
  const key = move.length < distinctiveMin ? `${lastStep(path)} ${move}` : move;
  // A digest is written whole here and in short there.
  return key.replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}

function foldOf(places: readonly Place[], { resource, property }: Place): Fold {
  const { path, pointer, before, after } = property;
  const same = new Set(places.map((place) => keyOfMove(place.property))).size === 1;
  const shown = (value: unknown) => (same ? value : withoutName(value, resource.name));
  return {
    keys: [...new Set(places.map((place) => lastStep(place.property.path)))].sort(),
    change: {
      path,
      pointer,
      ...(before === undefined ? {} : { before: shown(before) }),
      ...(after === undefined ? {} : { after: shown(after) }),
    },
    places: places.length,
    resources: [...new Set(places.map((place) => place.resource.name))].sort(),
  };
}

function keyOfMove({ before, after }: ValueChange): string {
  return JSON.stringify([before ?? null, after ?? null]).replace(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, '$1');
}

/** `scoring-deployment` is called by its own name, and by its component's: `scoring`. */
function withoutName(value: unknown, name: string): unknown {
  if (value === undefined) return undefined;
  const component = name.slice(0, Math.max(0, name.lastIndexOf('-')));
  const names = [name, component].filter((one) => one.length >= nameMin);
  return names.reduce<unknown>((left, one) => {
    const text = JSON.stringify(left).replaceAll(JSON.stringify(one).slice(1, -1), '{name}');
    return JSON.parse(text) as unknown;
  }, value);
}

/** The key by which people know it; an item of a list is known by the item. */
function lastStep(path: string): string {
  const steps = [...path.matchAll(/\["(?<quoted>[^"]*)"\]|\[(?<item>[^\]]*)\]|(?<plain>[^.[\]]+)/g)];
  const names = steps.map(({ groups = {} }) => groups['quoted'] ?? groups['item'] ?? groups['plain'] ?? '');
  const [item, key] = [names.at(-2), names.at(-1)];
  return key === 'value' && item !== undefined ? item : (key ?? path);
}
