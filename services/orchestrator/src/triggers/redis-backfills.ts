import type { Redis } from '@orrery/kit/redis';
import type { BackfillProgress, BackfillRecord, BackfillStore, BackfillWish } from './backfills.ts';
import { beginBackfill } from './backfills.ts';

export interface BackfillKeys {
  /** Set of `tenant/id` that have not ended. */
  readonly active: string;
  /** Hash: record, progress, wish. */
  readonly backfill: (tenant: string, id: string) => string;
  /** Who carries it on, until when. */
  readonly lease: (tenant: string, id: string) => string;
}

const keptMs = 30 * 86_400_000;

/**
 * Backfills in Redis. Single commands suffice: wish and progress are fields of their own, and progress that two carriers write over each
 * other goes back at most, whereupon runs are sent again that are known.
 */
export class RedisBackfills implements BackfillStore {
  readonly #redis: Redis;
  readonly #keys: BackfillKeys;
  readonly #self: string;

  constructor(redis: Redis, { keys, self }: { readonly keys: BackfillKeys; readonly self: string }) {
    this.#redis = redis;
    this.#keys = keys;
    this.#self = self;
  }

  async create(record: Omit<BackfillRecord, 'progress' | 'wish'>): Promise<boolean> {
    const { tenant } = record.request;
    const key = this.#keys.backfill(tenant, record.id);
    // First among the active: one that is there without a record is passed over, one with a record that isn't is never begun.
    const exists = await this.#redis.exists(key);
    if (exists > 0) return false;
    await this.#redis.sadd(this.#keys.active, `${tenant}/${record.id}`);
    const { id, actor, request } = record;
    return (await this.#redis.hsetnx(key, 'record', JSON.stringify({ id, actor, request }))) === 1;
  }

  async find(tenant: string, id: string): Promise<BackfillRecord | undefined> {
    const [record, progress, wish] = await this.#redis.hmget(
      this.#keys.backfill(tenant, id),
      ...['record', 'progress', 'wish'],
    );
    if (typeof record !== 'string') return undefined;
    const begun = beginBackfill(JSON.parse(record) as Omit<BackfillRecord, 'progress' | 'wish'>);
    return {
      ...begun,
      ...(typeof progress === 'string' ? { progress: JSON.parse(progress) as BackfillProgress } : {}),
      ...(isWish(wish) ? { wish } : {}),
    };
  }

  async active(): Promise<readonly { readonly tenant: string; readonly id: string }[]> {
    const members = await this.#redis.smembers(this.#keys.active);
    return members.sort().map((member) => {
      const [tenant = '', id = ''] = member.split('/');
      return { tenant, id };
    });
  }

  async wish(tenant: string, id: string, wish: BackfillWish): Promise<void> {
    const key = this.#keys.backfill(tenant, id);
    await this.#redis.hset(key, 'wish', wish);
    if (wish !== 'run') return;
    await this.#redis.persist(key);
    await this.#redis.sadd(this.#keys.active, `${tenant}/${id}`);
  }

  async save({ id, request, progress }: BackfillRecord): Promise<void> {
    const key = this.#keys.backfill(request.tenant, id);
    await this.#redis.hset(key, 'progress', JSON.stringify(progress));
    if (!progress.ended) return;
    await this.#redis.pexpire(key, keptMs);
    await this.#redis.srem(this.#keys.active, `${request.tenant}/${id}`);
  }

  async lease({ tenant, id }: { readonly tenant: string; readonly id: string }, leaseMs: number): Promise<boolean> {
    const key = this.#keys.lease(tenant, id);
    if ((await this.#redis.set(key, this.#self, 'PX', leaseMs, 'NX')) !== null) return true;
    if ((await this.#redis.get(key)) !== this.#self) return false;
    // It may have run out and be another's by now: that costs doubled calls, no doubled run.
    return (await this.#redis.set(key, this.#self, 'PX', leaseMs, 'XX')) !== null;
  }
}

function isWish(text: string | null | undefined): text is BackfillWish {
  return text === 'run' || text === 'pause' || text === 'cancel';
}
