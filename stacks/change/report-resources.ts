import type { Change, Follow, PropertyChange, ResourceChange, ResourceOperation } from './change.ts';
import { foldProperties, type Fold } from './fold.ts';
import { nameOfUrn } from '../render/symbols.ts';
import type { Mark, Row, Section } from './report.ts';
import { limited } from './report-sections.ts';
import { isRoutine, isTold } from './routine.ts';
import { count, listed, quote, showMove, type Sentence } from './wording.ts';

const marks: Readonly<Record<ResourceOperation, Mark>> = {
  replace: 'replaced',
  delete: 'removed',
  create: 'added',
  update: 'changed',
  move: 'moved',
  options: 'changed',
  follow: 'told',
};

const doings: Readonly<Record<ResourceOperation, string>> = {
  replace: 'replaced',
  delete: 'deleted',
  create: 'created',
  update: 'updated',
  move: 'moved',
  options: 'with other options',
  follow: 'following',
};

/** From so many of one type on, creations and deletions are told by type. */
const groupedMin = 3;
/** Above so many they are told by module. */
const byModuleMin = 24;

/** Replacements first, then deletions, creations, what is updated in one place only, and what is the same in many. */
export function resourceSection(change: Change): Omit<Section, 'level'> {
  const changes = change.levels.resource.filter(isTold);
  const { folds, rest } = foldProperties(changes);
  const of = (operation: ResourceOperation) => changes.filter((one) => one.operation === operation);
  const say = sayer(change);
  const versions = versionMoves(change);
  const isVersion = ({ change: { before, after } }: Fold) => versions.has(moveOf(before, after));
  const single = (one: ResourceChange) => rowOf(one, say(one.operation), rest.get(one.urn) ?? []);
  const rows = [
    ...of('replace')
      .filter((one) => !isRoutine(one))
      .map(single),
    ...grouped(of('delete'), say('delete'), single),
    ...grouped(of('create'), say('create'), single),
    ...of('move').map(single),
    ...[...of('update'), ...of('options')].filter((one) => hasOwnNews(one, rest)).map(single),
    ...routineRows(of('replace').filter(isRoutine)),
    ...folds.filter((fold) => !isVersion(fold)).map(foldRow),
    ...versionRows(folds.filter(isVersion)),
    ...followRows(changes),
  ];
  const operations = Object.keys(doings) as ResourceOperation[];
  const summary = operations.filter((one) => of(one).length > 0).map((one) => `${of(one).length} ${say(one)}`);
  return { title: 'Resources', summary: summary.join(', '), rows };
}

/** What is going to happen; between two environments nothing is, and one of them has what the other lacks. */
function sayer({ verdict, base, head }: Change): (operation: ResourceOperation) => Sentence {
  if (verdict.level !== 'different') return (operation) => doings[operation];
  const seen: Partial<Record<ResourceOperation, Sentence>> = {
    delete: `in ${quote(base?.label ?? '')} only`,
    create: `in ${quote(head.label)} only`,
    update: 'different',
  };
  return (operation) => seen[operation] ?? doings[operation];
}

function routineRows(changes: readonly ResourceChange[]): Row[] {
  if (changes.length === 0) return [];
  const types = [...new Set(changes.map(({ type }) => type))];
  const names = changes.map(({ name }) => name);
  const text = `replaced by another under another name, as for every change of it: ${listed(names)}`;
  return [{ mark: 'changed', subject: `${changes.length} x ${listed(types)}`, text, details: [] }];
}

/** What is said of it in folds already is enough for one that has nothing else. */
function hasOwnNews({ urn, mayReplace, movedFrom }: ResourceChange, rest: ReadonlyMap<string, readonly unknown[]>) {
  return (rest.get(urn) ?? []).length > 0 || mayReplace === true || movedFrom !== undefined;
}

function rowOf(change: ResourceChange, done: string, properties: readonly PropertyChange[]): Row {
  const { operation, name, type, movedFrom, renamedTo, mayReplace, order, fate } = change;
  const notes = [
    ...(movedFrom === undefined ? [] : [`was ${quote(nameOfUrn(movedFrom))}; nothing is deleted`]),
    ...(renamedTo === undefined ? [] : [`looks renamed to ${quote(nameOfUrn(renamedTo))}: an alias would keep it`]),
    ...(operation === 'replace' && order === 'delete first' ? ['deleted before it is made again'] : []),
    ...fateNotes(operation, fate),
  ];
  return {
    mark: marks[operation],
    subject: quote(name),
    text: [
      `${quote(type)} ${mayReplace === true ? 'updated, or replaced: the provider decides' : done}`,
      ...notes,
    ].join('; '),
    details: limited(properties.map(propertyText)),
  };
}

function fateNotes(operation: ResourceOperation, fate: ResourceChange['fate']): string[] {
  if (fate === 'refused') return ['protected: the engine will refuse'];
  if (fate !== 'kept') return [];
  return [operation === 'delete' ? 'kept, no longer managed' : 'the one that stands is kept, no longer managed'];
}

function propertyText(property: PropertyChange): Sentence {
  const effects: Readonly<Record<NonNullable<PropertyChange['effect']>, string>> = {
    replace: ' (forces the replacement)',
    'may replace': ' (may force a replacement)',
    refuse: ' (the API refuses this)',
    ignore: ' (ignored by the engine)',
  };
  const effect = property.effect === undefined ? '' : effects[property.effect];
  return `${quote(property.path)}: ${showMove(property)}${effect}`;
}

/** One by one where it matters; the others by type, and where there are very many by what makes them. */
function grouped(changes: readonly ResourceChange[], done: Sentence, single: (change: ResourceChange) => Row): Row[] {
  const [alone, others] = [changes.filter(isNotable), changes.filter((change) => !isNotable(change))];
  const groups = new Map<string, ResourceChange[]>();
  for (const change of others) {
    const group = others.length > byModuleMin ? moduleOf(change.type) : change.type;
    groups.set(group, [...(groups.get(group) ?? []), change]);
  }
  const rows = [...groups].flatMap(([group, members]) => {
    const [first] = members;
    if (first === undefined || (members.length < groupedMin && others.length <= byModuleMin))
      return members.map(single);
    const names = members.map(({ name }) => name);
    const subject = `${members.length} x ${quote(group)}`;
    return [{ mark: marks[first.operation], subject, text: `${done}: ${listed(names)}`, details: [] }];
  });
  return [...alone.map(single), ...rows];
}

function isNotable({ fate, renamedTo, stateful }: ResourceChange): boolean {
  return fate === 'refused' || renamedTo !== undefined || stateful;
}

/** `aws:ec2/vpc:Vpc` belongs to `aws:ec2`, `kubernetes:core/v1:Secret` to `kubernetes:core/v1`. */
function moduleOf(type: string): string {
  const [provider = '', rest = ''] = type.split(':');
  return provider === 'kubernetes' ? `${provider}:${rest}` : `${provider}:${rest.split('/')[0] ?? ''}`;
}

/** The release and its services' versions are told already, and stand in every label that tells them. */
function versionMoves({ base, head, levels }: Change): ReadonlySet<string> {
  const services = levels.service.flatMap(({ own, closure }) => [own, closure]);
  const moves = [{ before: base?.release ?? null, after: head.release }, ...services];
  return new Set(moves.map(({ before, after }) => moveOf(before, after)));
}

function moveOf(before: unknown, after: unknown): string {
  return [before, after]
    .map((value) =>
      String(value)
        .replace(/^sha256:/, '')
        .slice(0, 12),
    )
    .join(' ');
}

function versionRows(folds: readonly Fold[]): Row[] {
  if (folds.length === 0) return [];
  const places = folds.reduce((sum, fold) => sum + fold.places, 0);
  const resources = [...new Set(folds.flatMap((fold) => fold.resources))].sort();
  const text = `release and versions as told above, in ${listed(resources)}`;
  return [{ mark: 'changed', subject: count(places, 'version label'), text, details: [] }];
}

function foldRow({ keys, change, places, resources }: Fold): Row {
  const where = `${places === resources.length ? '' : `${places} places, `}in ${listed(resources)}`;
  return {
    mark: 'changed',
    subject: `${places} x ${listed(keys, 3)}`,
    text: `${showMove(change)}; ${where}`,
    details: [],
  };
}

/** What a replacement draws after it: one row for each that begins it and each effect, whoever stands between. */
function followRows(changes: readonly ResourceChange[]): Row[] {
  const byUrn = new Map(changes.map((change) => [change.urn, change]));
  const groups = new Map<string, { root: string; effect: Follow['effect']; members: ResourceChange[] }>();
  for (const change of changes) {
    const effect = strongest(change.follows ?? []);
    // That what is updated anyhow gets another name for its map is no news.
    if (effect === undefined || (effect === 'update' && change.operation !== 'follow')) continue;
    for (const root of rootsOf(change, byUrn)) {
      const group = groups.get(`${root} ${effect}`) ?? { root, effect, members: [] };
      group.members.push(change);
      groups.set(`${root} ${effect}`, group);
    }
  }
  return [...groups.values()].sort((left, right) => weights[right.effect] - weights[left.effect]).map(followRow);
}

const weights: Readonly<Record<Follow['effect'], number>> = { update: 0, 'may replace': 1, replace: 2 };

function followRow({
  root,
  effect,
  members,
}: {
  root: string;
  effect: Follow['effect'];
  members: ResourceChange[];
}): Row {
  const effects = { update: 'updated with', 'may replace': 'perhaps replaced with', replace: 'replaced with' } as const;
  const types = new Map<string, number>();
  for (const { type } of members) types.set(type, (types.get(type) ?? 0) + 1);
  const kinds = [...types].map(([type, number]) => `${number} x ${quote(type)}`);
  const [only] = members;
  const path = members.length === 1 ? (only?.follows?.[0]?.path ?? '') : '';
  return {
    mark: effect === 'update' ? 'told' : 'replaced',
    subject: `${members.length} ${effects[effect]} ${quote(nameOfUrn(root))}`,
    text: path === '' ? listed(members.map(({ name }) => name)) : `${quote(only?.name ?? '')}, by ${quote(path)}`,
    details: members.length > listedMax ? [kinds.join(', ')] : [],
  };
}

/** Names that `listed` shows. */
const listedMax = 6;

function strongest(follows: readonly Follow[]): Follow['effect'] | undefined {
  return follows.map(({ effect }) => effect).sort((left, right) => weights[right] - weights[left])[0];
}

/** Those at the beginning of the chain: what is replaced for a reason of its own. */
function rootsOf(change: ResourceChange, byUrn: ReadonlyMap<string, ResourceChange>): Set<string> {
  const roots = new Set<string>();
  const seen = new Set<string>([change.urn]);
  const open = (change.follows ?? []).map(({ of }) => of);
  for (let urn = open.pop(); urn !== undefined; urn = open.pop()) {
    if (seen.has(urn)) continue;
    seen.add(urn);
    const above = byUrn.get(urn)?.follows ?? [];
    if (above.length === 0) roots.add(urn);
    open.push(...above.map(({ of }) => of));
  }
  return roots;
}
