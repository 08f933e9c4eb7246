import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import type { Redis } from '@orrery/kit/redis';
import type { Catalogue, DefinedWorkflow } from '../definitions.ts';
import { keys, shardOfTenant } from '../keys.ts';
import type { Runs } from '../runs.ts';
import { readClock, timezoneDefault } from './clock.ts';
import { isCron, type CronTrigger } from './types.ts';

export interface CronDeps {
  readonly catalogue: Catalogue;
  readonly runs: Runs;
  readonly redis: Redis;
  readonly shards: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** How late a logical time may still fire. Of several that were missed, only the latest does. */
  readonly catchUpMs: number;
}

/**
 * Fires cron triggers: one run for each (workflow, logical time), although every orchestrator looks at the same clocks. Which time
 * fired last is kept with the runs, and moves in the same transition.
 */
export class Cron {
  readonly #deps: CronDeps;
  readonly #startedAtMs: number;
  /** Logical times that are settled, as far as this process knows: spares a call a second to Redis. */
  readonly #settled = new Map<string, number>();

  constructor(deps: CronDeps) {
    this.#deps = deps;
    this.#startedAtMs = deps.clock.now();
  }

  async round(): Promise<boolean> {
    for (const workflow of this.#deps.catalogue.all()) {
      for (const trigger of workflow.definition.triggers.filter(isCron)) await this.#look(workflow, trigger);
    }
    return false;
  }

  async #look(workflow: DefinedWorkflow, trigger: CronTrigger): Promise<void> {
    const { clock, catchUpMs, log, runs } = this.#deps;
    const dueMs = readClock(trigger).last(clock.now() - catchUpMs, clock.now());
    const name = `${trigger.cron} ${trigger.timezone ?? timezoneDefault}`;
    const place = `${workflow.tenant}/${workflow.definition.name}|${name}`;
    if (dueMs === undefined || (this.#settled.get(place) ?? 0) >= dueMs) return;
    if (workflow.lacks.length > 0 || !(await this.#mayFire(workflow, name, dueMs))) {
      this.#settled.set(place, dueMs);
      return;
    }
    try {
      const fired = await runs.fire(workflow, name, dueMs);
      if (fired) log.info({ workflow: workflow.definition.name, logical: new Date(dueMs).toISOString() }, 'cron fired');
      this.#settled.set(place, dueMs);
    } catch (error) {
      // A full queue or outbox may have room again before it is too late.
      if (!(error instanceof OrreryError) || error.retry === 'terminal') throw error;
      log.warn({ workflow: workflow.definition.name, reason: error.message }, 'a cron trigger must wait');
    }
  }

  /** A trigger that has never fired doesn't make up for times before this process began. */
  async #mayFire(workflow: DefinedWorkflow, name: string, dueMs: number): Promise<boolean> {
    if (dueMs >= this.#startedAtMs) return true;
    const { redis, shards } = this.#deps;
    const key = keys.cron(shardOfTenant(workflow.tenant, shards), workflow.tenant);
    const last = await redis.hget(key, `${workflow.definition.name}|${name}`);
    return last !== null && Number(last) < dueMs;
  }
}
