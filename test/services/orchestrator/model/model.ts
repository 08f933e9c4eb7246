import { controlRun, controlScope, type How } from './control.ts';
import { handIn, type EndingRow } from './exchange.ts';
import { Shard, type ModelEvent, type ModelRun } from './shard.ts';
import { flushLines, nameFences, take, type Taken } from './slots.ts';
import { flushArrivals } from './steps.ts';
import { submitOne, type Row } from './submit.ts';
import { expire, fire } from './time.ts';
import { decide, deliver, type Word } from './waits.ts';
import { carryOn } from './work.ts';

export interface ModelEntry {
  readonly n: number;
  readonly verb: string;
  readonly events: readonly ModelEvent[];
}

type Answer = Record<string, unknown>;

const expiredMax = 100;

/**
 * What a shard shall do, as plainly as it can be said: it takes the calls that Redis takes, with the clock handed in, and gives the same
 * answers. Written beside the functions, from what they promise, so that a difference between the two is a mistake in one.
 */
export class Model {
  readonly shard = new Shard();
  /** The log, one entry for each call that changed anything. */
  readonly log: ModelEntry[] = [];
  #found: Answer | undefined;

  /** `args` are those of the function, the release first. */
  call(verb: string, args: readonly string[], { nowUs, found }: { nowUs: number; found?: Answer }): Answer {
    const { shard } = this;
    this.#found = found;
    const [release = '', ...rest] = args;
    Object.assign(shard, { nowUs, now: Math.floor(nowUs / 1000), release, random: 0, changed: false, events: [] });
    const pending = shard.left.length;
    const answer = this.#act(verb, rest);
    flushLines(shard);
    const carried = shard.left.length < pending;
    shard.left.push(...shard.todo.splice(0));
    if (verb !== 'beat' && (shard.events.length > 0 || carried || shard.changed)) {
      shard.entries += 1;
      shard.outbox += 1;
      this.log.push({ n: shard.entries, verb, events: shard.events });
    }
    return answer;
  }

  #act(verb: string, args: readonly string[]): Answer {
    switch (verb) {
      case 'define':
        return this.#define(args);
      case 'submit':
        return this.#submit(args);
      case 'exchange':
        return this.#exchange(args);
      case 'beat':
        return this.#beat(args);
      case 'tick':
        return this.#tick(args);
      case 'control':
        return this.#control(args);
      case 'signal':
        return this.#signal(args);
      case 'purge':
        return this.#purge(args);
      default:
        throw new Error(`the model knows no ${verb}`);
    }
  }

  #define([digest = '', ...pairs]: readonly string[]): Answer {
    const fields = this.shard.definitions.get(digest) ?? new Map<string, string>();
    if (fields.get('complete') === '1') return {};
    // Nothing may lack by the end; `head` is laid down first, so it goes with whatever else went.
    if (pairs[0] === 'complete' && !fields.has('head')) return {};
    for (let i = 0; i < pairs.length; i += 2) fields.set(pairs[i] ?? '', pairs[i + 1] ?? '');
    this.shard.definitions.set(digest, fields);
    this.shard.changed = true;
    return {};
  }

  #submit([queuedMax, outboxMax, rows = '']: readonly string[]): Answer {
    const bounds = { queuedMax: Number(queuedMax), outboxMax: Number(outboxMax) };
    const outcomes = (JSON.parse(rows) as Row[]).map((row) => submitOne(this.shard, row, bounds));
    carryOn(this.shard);
    return { outcomes };
  }

  #exchange([random, wanted = '', leaseMs, endings = '']: readonly string[]): Answer {
    const { shard } = this;
    shard.random = Number(random);
    const codes = (JSON.parse(endings) as EndingRow[]).map((row) => handIn(shard, row));
    flushArrivals(shard);
    carryOn(shard);
    const { pools, want, tenant } = JSON.parse(wanted) as { pools: string[]; want: number; tenant?: string };
    const asked = { leaseMs: Number(leaseMs), only: tenant };
    const fresh = new Set(pools.filter((pool) => shard.turns.of(pool).size === 0));
    flushLines(shard);
    const taken: Taken[] = [];
    for (const pool of pools) {
      const some = take(shard, pool, want - taken.length, asked);
      taken.push(...(fresh.has(pool) ? this.#inOrderFound(some) : some));
    }
    return { codes, ...this.#described(taken) };
  }

  /** Where nobody waited in a pool, what the call itself made ready is given in any order: then the fences follow the order that was found. */
  #inOrderFound(taken: readonly Taken[]): readonly Taken[] {
    const found = (this.#found?.['work'] ?? []) as [string, string][];
    const order = found.flatMap(([id, ref]) => taken.find((each) => each.run.id === id && each.ref === ref) ?? []);
    return order.length === taken.length ? nameFences(this.shard, taken, order) : taken;
  }

  #described(taken: readonly Taken[]): Answer {
    const runs: Record<string, unknown> = {};
    const work = taken.map(({ run, ref }) => {
      const { tenant, actor, workflow, definition, parameters, logical } = run;
      runs[run.id] = [tenant, actor, workflow, definition, parameters, String(logical), this.shard.release];
      const { fence, attempt, due } = this.shard.step(run, ref);
      return [run.id, ref, fence, attempt, due, resultsFor(run, ref), run.data.get(`i:${ref}`) ?? null];
    });
    return { runs, work };
  }

  #beat([rows = '']: readonly string[]): Answer {
    const { shard } = this;
    const held = (JSON.parse(rows) as [string, string, string, number, number, string][]).map((row) => {
      const [id, ref, fence, due, leaseMs, progress] = row;
      const lease = `${id}|${ref}|${fence}|${due}`;
      const run = shard.runs.get(id);
      if (run === undefined || shard.leases.score(lease) === undefined) return 0;
      shard.leases.set(lease, Math.min(shard.now + leaseMs, due));
      if (progress !== '') run.data.set(`p:${ref}`, progress);
      return run.ending === '' ? 1 : 2;
    });
    return { held };
  }

  #tick([random, lapsesMax]: readonly string[]): Answer {
    const { shard } = this;
    shard.random = Number(random);
    const expired = shard.leases.upTo(shard.now).slice(0, expiredMax);
    for (const lease of expired) expire(shard, lease, Number(lapsesMax));
    const due = shard.timers.upTo(shard.now).slice(0, expiredMax);
    // An earlier timer may have taken a later one away.
    const fired = due.filter((member) => shard.timers.remove(member) && fire(shard, member)).length;
    flushArrivals(shard);
    carryOn(shard);
    shard.changed ||= expired.length + fired > 0;
    return { lapsed: expired.length, fired, more: false };
  }

  #control([verb = '', tenant, actor = '', reason = '', on = '', text = '']: readonly string[]): Answer {
    const { shard } = this;
    const how = JSON.parse(text) as How;
    if (on.includes('|')) {
      const said = JSON.stringify({ actor, reason, atMs: shard.now });
      return { outcome: controlScope(shard, on, verb, { ...how, said }), state: '' };
    }
    const run = shard.runs.get(on);
    if (run?.tenant !== tenant || run === undefined) return { outcome: 'missing', state: '' };
    const outcome = controlRun(shard, run, verb, { how, actor, reason });
    flushArrivals(shard);
    carryOn(shard);
    return { outcome, state: run.state };
  }

  #signal([kind, tenant = '', text = '']: readonly string[]): Answer {
    const { shard } = this;
    const [outcome, count] = this.#signalled(kind ?? '', tenant, text);
    flushArrivals(shard);
    carryOn(shard);
    return { outcome, count };
  }

  #signalled(kind: string, tenant: string, text: string): [outcome: string, count: number] {
    const { shard } = this;
    if (kind === 'event') {
      const { event, key, payload, kept } = JSON.parse(text) as {
        event: string;
        key: string;
        payload: string;
        kept: number;
      };
      const place = `${event}|${key}`;
      if (kept > 0) shard.signals.set(`${tenant}:${place}`, { payload, until: shard.now + kept });
      shard.changed = true;
      return ['delivered', deliver(shard, tenant, place, payload)];
    }
    const what = JSON.parse(text) as Word & {
      run: string;
      fence: string;
      first: number;
      items: string[];
      keys: string[];
    };
    const run = shard.runs.get(what.run);
    const known = run?.tenant === tenant ? run : undefined;
    if (kind === 'decision') return [known === undefined ? 'missing' : decide(shard, known, what), 0];
    const step = known === undefined ? undefined : shard.step(known, what.ref);
    if (known === undefined || step?.state !== 'running' || step.fence !== what.fence) return ['stale', 0];
    for (const [index, item] of what.items.entries()) {
      const ref = `${what.ref}.${what.first + index}`;
      known.data.set(`i:${ref}`, item);
      if ((what.keys[index] ?? '') !== '') known.data.set(`k:${ref}`, what.keys[index] ?? '');
    }
    shard.changed ||= what.items.length > 0;
    return ['counted', 0];
  }

  #purge([keptMs, endedMax, callMax]: readonly string[]): Answer {
    const { shard } = this;
    const old = shard.ended.upTo(shard.now - Number(keptMs)).length;
    const over = shard.ended.size - Number(endedMax);
    const gone = shard.ended.pop(Math.max(0, Math.min(Number(callMax), Math.max(old, over))));
    for (const id of gone) this.#forget(id);
    shard.changed = gone.length > 0;
    return { count: gone.length };
  }

  #forget(id: string): void {
    const { runs, runsOf, definitions, parks } = this.shard;
    const run = runs.get(id);
    if (run === undefined) return;
    runs.delete(id);
    runsOf.of(run.tenant).remove(id);
    parks.delete(`run|${id}`);
    if (![...runs.values()].some(({ definition }) => definition === run.definition)) definitions.delete(run.definition);
  }
}

/** Of the steps that it names, where they are few. */
function resultsFor(run: ModelRun, ref: string): Record<string, string> {
  const reads = run.plan.steps[Math.floor(Number(ref))]?.[4] ?? [];
  const found =
    reads.length > 16
      ? []
      : reads.flatMap((number) => {
          const result = run.data.get(`r:${number}`);
          return result === undefined ? [] : [[String(number), result] as const];
        });
  return Object.fromEntries(found);
}
