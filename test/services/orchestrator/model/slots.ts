import { isOpen, planOf, profileOf, rankOf, timer, type ModelRun, type ModelStep, type Shard } from './shard.ts';

/** Lines of ready steps, turns of tenants, and leases: a lease is the slot, so nothing counts slots but the leases themselves. */

export function leaseOf(run: ModelRun, ref: string, step: ModelStep): string {
  return `${run.id}|${ref}|${step.fence}|${step.due}`;
}

/** Leases by the scopes that they count in. */
export function heldByScope(shard: Shard): Map<string, number> {
  const held = new Map<string, number>();
  for (const [lease] of shard.leases.entries()) {
    const [id = '', ref = ''] = lease.split('|');
    const run = shard.runs.get(id);
    if (run === undefined) throw new Error(`a lease of a run that is gone: ${lease}`);
    const { key } = shard.step(run, ref);
    const scopes = [
      `t|${run.tenant}`,
      `p|${profileOf(run, ref).pool}`,
      ...(key === '' ? [] : [`k|${run.tenant}|${key}`]),
    ];
    for (const scope of scopes) held.set(scope, (held.get(scope) ?? 0) + 1);
  }
  return held;
}

export function activeOf(shard: Shard, run: ModelRun): number {
  return shard.leases.entries().filter(([lease]) => lease.startsWith(`${run.id}|`)).length;
}

function roomIn(shard: Shard, scope: string): number {
  const most = shard.limits.get(scope);
  return most === undefined ? Infinity : most - (heldByScope(shard).get(scope) ?? 0);
}

export function placeOf(run: ModelRun, ref: string): { pool: string; line: string } {
  const { pool: own } = profileOf(run, ref);
  const pins = run.pins === '' ? {} : (JSON.parse(run.pins) as Record<string, string>);
  const pool = pins[own] === undefined ? own : `${own}@${pins[own]}`;
  return { pool, line: `${pool}:${run.tenant}` };
}

/** A tenant that comes to a pool begins where the least served one stands: it neither waits for the past nor is paid for it. */
function joinTurn(shard: Shard, pool: string, tenant: string): void {
  const turn = shard.turns.of(pool);
  const [least] = turn.entries();
  if (turn.score(tenant) === undefined) turn.set(tenant, least?.[1] ?? 0);
}

/** In the line once the call gets to its lines: what a call puts back while it takes is for the next one. */
export function lineUp(shard: Shard, run: ModelRun, ref: string): void {
  shard.coming.push({ run, ref, rank: rankOf(run) });
}

export function flushLines(shard: Shard): void {
  for (const { run, ref, rank } of shard.coming.splice(0)) {
    const { pool, line } = placeOf(run, ref);
    shard.lines.of(line).set(`${run.id}|${ref}`, rank);
    joinTurn(shard, pool, run.tenant);
  }
}

/** A ready step leaves its line or what it is parked at. */
export function leaveLine(shard: Shard, run: ModelRun, ref: string, step: ModelStep): void {
  const { pool, line } = placeOf(run, ref);
  const member = `${run.id}|${ref}`;
  flushLines(shard);
  if (step.on === '') shard.lines.of(line).remove(member);
  else shard.parks.of(step.on).remove(member);
  if (shard.lines.of(line).size === 0) shard.turns.of(pool).remove(run.tenant);
  if (profileOf(run, ref).limit > 0) passOn(shard, run, ref);
}

function keyOf(run: ModelRun, ref: string): string {
  return run.data.get(`k:${ref}`) ?? planOf(run, ref)[0];
}

/** Where a key has room, the first that waits for it gets in line again. */
function passOn(shard: Shard, run: ModelRun, ref: string): void {
  const scope = `k|${run.tenant}|${keyOf(run, ref)}`;
  if ((heldByScope(shard).get(scope) ?? 0) < profileOf(run, ref).limit) unpark(shard, scope, 1);
}

export function unpark(shard: Shard, scope: string, wanted: number): void {
  for (let back = 0; back < wanted;) {
    const [member] = shard.parks.of(scope).pop(1);
    if (member === undefined) return;
    const [id = '', ref = ''] = member.split('|');
    const run = shard.runs.get(id);
    const step = run?.steps.get(ref);
    if (run === undefined || step?.state !== 'ready' || step.on !== scope) continue;
    step.on = '';
    lineUp(shard, run, ref);
    back += 1;
  }
}

export function callBack(shard: Shard, tenant: string): void {
  for (const pool of [...(shard.aside.get(tenant) ?? [])].sort()) {
    if (shard.lines.of(`${pool}:${tenant}`).size > 0) joinTurn(shard, pool, tenant);
  }
  shard.aside.delete(tenant);
}

/** The lease ends, and with it the slots: what comes under its fence later is refused. */
export function revoke(shard: Shard, run: ModelRun, ref: string): void {
  const step = shard.step(run, ref);
  shard.leases.remove(leaseOf(run, ref, step));
  step.key = '';
  if (shard.limits.has(`t|${run.tenant}`)) callBack(shard, run.tenant);
  if (profileOf(run, ref).limit > 0) passOn(shard, run, ref);
}

/** The scope that a ready step must wait for, if any. */
function hindrance(shard: Shard, run: ModelRun, ref: string): string | undefined {
  // A run that was put back has no slot yet.
  if (run.paused !== '' || run.state !== 'running') return `run|${run.id}`;
  if (shard.paused.has(`w|${run.lane}`)) return `w|${run.lane}`;
  const { limit } = profileOf(run, ref);
  const scope = `k|${run.tenant}|${keyOf(run, ref)}`;
  return limit > 0 && (heldByScope(shard).get(scope) ?? 0) >= limit ? scope : undefined;
}

export interface Taken {
  readonly run: ModelRun;
  readonly ref: string;
}

function grant(shard: Shard, member: string, leaseMs: number): Taken | undefined {
  const [id = '', ref = ''] = member.split('|');
  const run = shard.runs.get(id);
  const step = run === undefined ? undefined : shard.step(run, ref);
  if (run === undefined || step?.state !== 'ready' || !(isOpen(run) || run.state === 'resetting')) return undefined;
  const { attempt, queue, total, limit } = profileOf(run, ref);
  // What ends a run withdraws its ready steps by itself.
  if (run.state === 'cancelling') return undefined;
  const scope = hindrance(shard, run, ref);
  if (scope !== undefined) {
    step.on = scope;
    shard.parks.of(scope).set(member, rankOf(run));
    if (limit > 0) passOn(shard, run, ref);
    return undefined;
  }
  if (queue > 0) shard.timers.remove(timer('queue', run, ref, step.attempt));
  const whole = timer('total', run, ref);
  if (total > 0 && shard.timers.score(whole) === undefined) shard.timers.set(whole, shard.now + total);
  step.fence = shard.nextFence();
  step.attempt += 1;
  step.started = shard.now;
  step.due = shard.now + attempt;
  step.key = limit > 0 ? keyOf(run, ref) : '';
  shard.moveStep(run, ref, 'running');
  shard.leases.set(leaseOf(run, ref, step), Math.min(shard.now + leaseMs, step.due));
  return { run, ref };
}

/** Tenants take turns by weight; a tenant without room stands aside until it has some. */
export function take(
  shard: Shard,
  pool: string,
  want: number,
  { leaseMs, only }: { readonly leaseMs: number; readonly only: string | undefined },
): Taken[] {
  const taken: Taken[] = [];
  const turn = shard.turns.of(pool);
  const [base = ''] = pool.split('@');
  while (taken.length < want) {
    // A worker of one tenant takes that one's steps alone.
    const [front, second] = turn.entries().filter(([tenant]) => only === undefined || tenant === only);
    if (front === undefined || roomIn(shard, `p|${base}`) <= 0) return taken;
    const [tenant, served] = front;
    const scope = `t|${tenant}`;
    shard.changed = true;
    if (roomIn(shard, scope) <= 0 || shard.paused.has(scope)) {
      turn.remove(tenant);
      shard.aside.set(tenant, (shard.aside.get(tenant) ?? new Set()).add(pool));
      continue;
    }
    const line = shard.lines.of(`${pool}:${tenant}`);
    const room = Math.min(want - taken.length, roomIn(shard, `p|${base}`), roomIn(shard, scope));
    const granted = line.pop(second === undefined ? room : 1).flatMap((member) => grant(shard, member, leaseMs) ?? []);
    taken.push(...granted);
    const weight = Math.max(shard.limits.get(`w|${tenant}`) ?? 1, 1);
    if (line.size === 0) turn.remove(tenant);
    else if (granted.length > 0) turn.set(tenant, served + Math.round((granted.length * 1000) / weight));
  }
  return taken;
}

/** Gives the fences of what was taken out again, in another order. */
export function nameFences(shard: Shard, taken: readonly Taken[], order: readonly Taken[]): readonly Taken[] {
  const fences = taken.map(({ run, ref }) => shard.step(run, ref).fence);
  const leases = taken.map(({ run, ref }) => leaseOf(run, ref, shard.step(run, ref)));
  const deadlines = leases.map((lease) => shard.leases.score(lease) ?? 0);
  for (const lease of leases) shard.leases.remove(lease);
  for (const [index, each] of order.entries()) {
    const { run, ref } = each;
    const step = shard.step(run, ref);
    step.fence = fences[index] ?? '';
    shard.leases.set(leaseOf(run, ref, step), deadlines[taken.indexOf(each)] ?? 0);
    const told = shard.events.findLastIndex(
      ([of, , place, , , , , to]) => of === run.id && place === ref && to === 'running',
    );
    const event = shard.events[told];
    if (event === undefined) continue;
    const [id, sequence, of, name, attempt, , from, to, actor] = event;
    shard.events[told] = [id, sequence, of, name, attempt, step.fence, from, to, actor];
  }
  return order;
}
