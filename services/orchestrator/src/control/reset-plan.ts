import type { ResetStep } from '../core/control-call.ts';
import type { DefinedPlan } from './plan-reader.ts';

/** A map's items as they stand: how many there are, how many were let go, and the state of each of those. */
export interface MapItems {
  readonly items: number;
  readonly released: number;
  /** By index; what is not there has never been touched. */
  readonly states: readonly (string | undefined)[];
}

/** An ended run as a reset finds it. */
export interface RunStates {
  readonly plan: DefinedPlan;
  /** By number of the step. */
  readonly states: readonly string[];
  /** Numbers of skipped steps that a person skipped, where that is known; else it follows from the graph. */
  readonly skippedByPerson?: ReadonlySet<number>;
  /** Steps of which Redis has counted needs: what waits and was never counted needs no row. */
  readonly counted: ReadonlySet<number>;
  /** By number of the map: of those that have laid down their items. */
  readonly maps: ReadonlyMap<number, MapItems>;
}

export interface ResetPlan {
  readonly rows: readonly ResetStep[];
  /** Counts of maps that go on with what is left of their items: `12f`, `12n`, `12r`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Steps that have yet to end. */
  readonly left: number;
  /** Numbers of the steps that go again, in the order of the definition. */
  readonly again: readonly number[];
  /** Items of maps that go again while those that have succeeded stay. */
  readonly itemsAgain: number;
}

/**
 * What goes again: whatever has not ended well, and of `from` these steps with all that follows them, also when they have succeeded.
 * What was skipped behind a failure has not ended well; what a person skipped has. A map whose items failed goes on with those alone.
 */
export function planReset(run: RunStates, from: readonly number[]): ResetPlan {
  const { plan, states } = run;
  const anew = downstreamOf(plan, from);
  const leftOut = leftOutIn(run);
  const goes = states.map((state, number) => anew.has(number) || !endedWell(state, number, { run, leftOut }));
  const arrived = new Uint32Array(states.length);
  for (const [number, again] of goes.entries()) {
    if (again) continue;
    for (const child of plan.steps[number]?.[2] ?? []) arrived[child] = (arrived[child] ?? 0) + 1;
  }
  const rows: ResetStep[] = [];
  const items: ResetStep[] = [];
  const counts: Record<string, number> = {};
  const again: number[] = [];
  for (const [number, isAgain] of goes.entries()) {
    if (!isAgain) continue;
    again.push(number);
    const map = run.maps.get(number);
    if (map !== undefined && !anew.has(number) && ['failed', 'cancelled', 'suspended'].includes(states[number] ?? '')) {
      items.push(...goOn(number, map, { rows, counts, atOnce: plan.profileOf(String(number))?.at_once ?? 1 }));
      continue;
    }
    if (map !== undefined) rows.push(...beginAnew(number, map, counts));
    if (states[number] === 'waiting' && arrived[number] === 0 && !run.counted.has(number)) continue;
    rows.push([String(number), 'waiting', arrived[number] ?? 0]);
  }
  // Ready items come last: nobody may take them before the run is queued again.
  return { rows: [...rows, ...items], counts, left: again.length, again, itemsAgain: items.length };
}

/** Cut into calls: at most so many rows and counts each. */
export function* partsOf(
  { rows, counts }: Pick<ResetPlan, 'rows' | 'counts'>,
  most: number,
): Generator<{
  readonly steps: readonly ResetStep[];
  readonly counts: Record<string, number>;
  readonly last: boolean;
}> {
  const fields = Object.entries(counts);
  const rowParts = Math.max(1, Math.ceil(rows.length / most));
  const parts = rowParts + Math.max(1, Math.ceil(fields.length / most)) - 1;
  for (let part = 0; part < parts; part += 1) {
    // Counts begin with the last rows: a reset that was broken off still finds the items that the old counts tell of.
    const first = (part - rowParts + 1) * most;
    const some = first < 0 ? {} : Object.fromEntries(fields.slice(first, first + most));
    yield { steps: rows.slice(part * most, (part + 1) * most), counts: some, last: part === parts - 1 };
  }
}

function downstreamOf(plan: DefinedPlan, from: readonly number[]): ReadonlySet<number> {
  const found = new Set(from);
  const open = [...found];
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    for (const child of plan.steps[number]?.[2] ?? []) {
      if (found.has(child)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}

/** The steps that were skipped because something before them failed. */
function leftOutIn({ plan, states, skippedByPerson }: RunStates): ReadonlySet<number> {
  const found = new Set<number>();
  const open = states.flatMap((state, number) => (state === 'failed' ? [number] : []));
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    for (const child of plan.steps[number]?.[2] ?? []) {
      if (states[child] !== 'skipped' || found.has(child) || skippedByPerson?.has(child) === true) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}

function endedWell(
  state: string,
  number: number,
  { run, leftOut }: { readonly run: RunStates; readonly leftOut: ReadonlySet<number> },
): boolean {
  if (state === 'succeeded') return true;
  return state === 'skipped' && (run.skippedByPerson?.has(number) === true || !leftOut.has(number));
}

/** A map that begins again lays its items down again: what is known of the old ones must not count. */
function beginAnew(number: number, map: MapItems, counts: Record<string, number>): ResetStep[] {
  Object.assign(counts, { [`${number}f`]: 0, [`${number}n`]: 0, [`${number}r`]: 0 });
  return map.states.flatMap((state, index): ResetStep[] =>
    state === undefined || state === 'waiting' ? [] : [[`${number}.${index}`, 'waiting', 0]],
  );
}

/** A map that goes on: the items that have succeeded stay, the others of those that were let go are ready. */
function goOn(
  number: number,
  map: MapItems,
  into: { readonly rows: ResetStep[]; readonly counts: Record<string, number>; readonly atOnce: number },
): ResetStep[] {
  const stays = (index: number) => ['succeeded', 'skipped'].includes(map.states[index] ?? 'waiting');
  const pending: number[] = [];
  for (let index = 0; index < map.released; index += 1) if (!stays(index)) pending.push(index);
  let released = map.released;
  while (pending.length < into.atOnce && released < map.items) pending.push(released++);
  // Its last item ended well while the map was being cancelled: one item again, so that the map has an end to come to.
  if (pending.length === 0) pending.push(map.items - 1);
  const ended = released - pending.length;
  into.rows.push([String(number), 'suspended', ended, 'items']);
  Object.assign(into.counts, { [`${number}f`]: 0, [`${number}n`]: map.items, [`${number}r`]: released });
  return pending.map((index) => [`${number}.${index}`, 'ready', 0]);
}
