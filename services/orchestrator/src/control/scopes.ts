import type { Redis } from '@orrery/kit/redis';
import type { Catalogue } from '../definitions.ts';
import { redisFailed, workflowMissing } from '../errors.ts';
import { keys, shardOfTenant } from '../core/keys.ts';
import type { ControlVerb } from '../core/control-call.ts';
import type { Transitions } from '../core/transitions.ts';
import type { Caller } from './controls.ts';
import type { Pause } from './explain.ts';

/** What a tenant may set: leases at the same time, its share beside other tenants, retries a minute; and of a pool, leases. */
export type LimitName = 'leases' | 'weight' | 'retries' | 'pool';

export interface LimitView {
  readonly limit: LimitName;
  /** Of a pool its name, else of whom. */
  readonly of: string;
  /** Null: no limit; of a weight: 1. */
  readonly most: number | null;
  /** Leases that count there now. */
  readonly held: number | null;
}

export interface ScopesDeps {
  readonly redis: Redis;
  readonly transitions: Pick<Transitions, 'control'>;
  readonly catalogue: Catalogue;
  readonly shards: readonly string[];
  readonly onChange: () => void;
}

export interface ScopeAnswer {
  readonly scope: string;
  /** `nothing`: it was so already. */
  readonly outcome: 'done' | 'nothing' | 'would';
  /** What would be done. */
  readonly text?: string;
}

const letters: Readonly<Record<LimitName, string>> = { leases: 't', weight: 'w', retries: 'b', pool: 'p' };

/** What people do to a workflow, a tenant or a pool. */
export class Scopes {
  readonly #deps: ScopesDeps;

  constructor(deps: ScopesDeps) {
    this.#deps = deps;
  }

  /** Its queued runs don't start, and no more steps of those that run; attempts in progress end. */
  async pauseWorkflow(
    caller: Caller,
    workflow: string,
    how: { readonly paused: boolean; readonly reason: string },
  ): Promise<ScopeAnswer> {
    if (how.paused) this.#assertKnown(caller, workflow);
    const scope = `w|${caller.tenant}/${workflow}`;
    return this.#control(caller, scope, { verb: how.paused ? 'pause' : 'resume' }, how);
  }

  /** What that would do; throws what it would be refused with. */
  async foretellWorkflow(caller: Caller, workflow: string, paused: boolean): Promise<ScopeAnswer> {
    const { redis, shards } = this.#deps;
    const { tenant } = caller;
    if (paused) this.#assertKnown(caller, workflow);
    const scope = `w|${tenant}/${workflow}`;
    const shard = shardOfTenant(tenant, shards);
    const places = [keys.slots(shard, tenant, workflow), keys.queue(shard, tenant, workflow)];
    const counting = Promise.all(places.map((place) => redis.zcard(place).catch(failed)));
    const [[running = 0, queued = 0], pauses] = await Promise.all([counting, this.pauses(tenant)]);
    if ((pauses[`workflow ${workflow}`] !== undefined) === paused) return { scope, outcome: 'nothing' };
    const also = !paused && pauses['tenant'] !== undefined ? '; the pause of the tenant holds on' : '';
    const what = paused ? 'starts no more runs and steps' : 'starts what has waited meanwhile';
    return { scope, outcome: 'would', text: `${what}; ${running} of its runs are running, ${queued} queued${also}` };
  }

  /** The same for all workflows of the caller's tenant. */
  async pauseTenant(caller: Caller, how: { readonly paused: boolean; readonly reason: string }): Promise<ScopeAnswer> {
    const answer = await this.#control(caller, `t|${caller.tenant}`, { verb: how.paused ? 'pause' : 'resume' }, how);
    if (!how.paused && answer.outcome === 'done') await this.#startQueued(caller, how.reason);
    return answer;
  }

  async foretellTenant({ tenant }: Caller, paused: boolean): Promise<ScopeAnswer> {
    const scope = `t|${tenant}`;
    const [held, pauses] = await Promise.all([this.#held(tenant, scope), this.pauses(tenant)]);
    const { tenant: own, ...others } = pauses;
    if ((own !== undefined) === paused) return { scope, outcome: 'nothing' };
    const attempts = `${held ?? 0} attempt${held === 1 ? '' : 's'} in progress`;
    const kept = Object.keys(others);
    const also = kept.length === 0 ? '' : `; paused by themselves stay: ${kept.join(', ')}`;
    const text = paused
      ? `starts no more runs and steps of any workflow; ${attempts} will end`
      : `starts what has waited meanwhile, of every workflow${also}`;
    return { scope, outcome: 'would', text };
  }

  /** What is paused of the tenant, by `tenant` or the workflow's name. */
  async pauses(tenant: string): Promise<Record<string, Pause>> {
    const { redis, shards } = this.#deps;
    const found = await redis.hgetall(keys.paused(shardOfTenant(tenant, shards))).catch(failed);
    return Object.fromEntries(
      Object.entries(found).flatMap(([scope, text]) => {
        const pause = JSON.parse(text) as Pause;
        if (scope === `t|${tenant}`) return [['tenant', pause]];
        return scope.startsWith(`w|${tenant}/`) ? [[`workflow ${scope.slice(`w|${tenant}/`.length)}`, pause]] : [];
      }),
    );
  }

  /** `most` null takes the limit away. A pool's holds in every shard for itself: tenants of several shards have one each. */
  async limit(
    caller: Caller,
    name: LimitName,
    how: { readonly pool?: string; readonly most: number | null; readonly reason: string },
  ): Promise<LimitView> {
    const of = name === 'pool' ? (how.pool ?? '') : caller.tenant;
    const scope = `${letters[name]}|${of}`;
    const shards = name === 'pool' ? this.#deps.shards : [shardOfTenant(caller.tenant, this.#deps.shards)];
    for (const shard of shards) {
      await this.#control(caller, scope, { verb: 'limit', most: how.most ?? -1 }, { reason: how.reason, shard });
    }
    return { limit: name, of, most: how.most, held: await this.#held(caller.tenant, scope) };
  }

  async limits(tenant: string): Promise<LimitView[]> {
    const { redis, shards } = this.#deps;
    const shard = shardOfTenant(tenant, shards);
    const found = await redis.hgetall(keys.limits(shard)).catch(failed);
    const views = Object.entries(found).flatMap(([scope, most]): Omit<LimitView, 'held'>[] => {
      const [letter = '', of = ''] = scope.split('|');
      const limit = (['leases', 'weight', 'retries', 'pool'] as const).find((each) => letters[each] === letter);
      return limit === undefined || (limit !== 'pool' && of !== tenant) ? [] : [{ limit, of, most: Number(most) }];
    });
    const held = await Promise.all(views.map(({ limit, of }) => this.#held(tenant, `${letters[limit]}|${of}`)));
    return views.map((view, index) => ({ ...view, held: held[index] ?? null }));
  }

  /** One that the release no longer has may still have runs, and be paused: that is taken back all the same. */
  #assertKnown({ tenant }: Caller, workflow: string): void {
    const { catalogue } = this.#deps;
    if (catalogue.find(tenant, workflow) !== undefined) return;
    throw workflowMissing(
      workflow,
      catalogue.of(tenant).map(({ definition }) => definition.name),
    );
  }

  async #held(tenant: string, scope: string): Promise<number | null> {
    if (!scope.startsWith('t|') && !scope.startsWith('p|')) return null;
    const { redis, shards } = this.#deps;
    return Number((await redis.hget(keys.held(shardOfTenant(tenant, shards)), scope).catch(failed)) ?? 0);
  }

  /** A queue is looked at when its own workflow goes on: the end of a tenant's pause is that of each of them. */
  async #startQueued(caller: Caller, reason: string): Promise<void> {
    const { redis, catalogue, shards } = this.#deps;
    const shard = shardOfTenant(caller.tenant, shards);
    const paused = await this.pauses(caller.tenant);
    for (const { definition } of catalogue.of(caller.tenant)) {
      const scope = `w|${caller.tenant}/${definition.name}`;
      const waiting = await redis.zcard(keys.queue(shard, caller.tenant, definition.name)).catch(failed);
      if (waiting === 0 || paused[`workflow ${definition.name}`] !== undefined) continue;
      await this.#control(caller, scope, { verb: 'pause' }, { reason });
      await this.#control(caller, scope, { verb: 'resume' }, { reason });
    }
  }

  async #control(
    caller: Caller,
    on: string,
    verb: ControlVerb,
    how: { readonly reason: string; readonly shard?: string },
  ): Promise<ScopeAnswer> {
    const { transitions, shards, onChange } = this.#deps;
    const { tenant, actor } = caller;
    const said = { on, tenant, actor, reason: how.reason === '' ? `${verb.verb} by ${actor}` : how.reason };
    const { outcome } = await transitions.control(how.shard ?? shardOfTenant(tenant, shards), said, verb);
    onChange();
    return { scope: on, outcome: outcome === 'nothing' ? 'nothing' : 'done' };
  }
}

function failed(error: unknown): never {
  throw redisFailed('reading limits', error);
}
