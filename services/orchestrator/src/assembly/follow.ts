import { OrreryError } from '@orrery/kit/errors';
import type { Redis } from '@orrery/kit/redis';
import type { Workflow } from '@orrery/contracts/definitions/workflow';
import type { Catalogue } from '../definitions.ts';
import type { DefinitionReader } from '../work/definition-reader.ts';
import { keys, shardOfRun } from '../core/keys.ts';
import type { LogFollowerDeps } from '../triggers/log-follower.ts';
import type { assembleTriggers } from './triggers.ts';

export interface FollowParts {
  readonly catalogue: Catalogue;
  readonly redis: Redis;
  readonly definitions: DefinitionReader;
  readonly triggers: Pick<ReturnType<typeof assembleTriggers>, 'handle' | 'updateDataset'>;
}

type Follow = Pick<LogFollowerDeps, 'handle' | 'updatesOf' | 'updateDataset' | 'logicalTimeOf'>;

/** What triggers make of the log: ends of runs, and steps that bring datasets up to date. Undefined where no workflow has either. */
export function assembleFollow({ catalogue, redis, definitions, triggers }: FollowParts): Follow | undefined {
  if (!catalogue.all().some(({ definition }) => looksAtTheLog(definition))) return undefined;
  return {
    handle: (happenings) => triggers.handle(happenings),
    updateDataset: (tenant, name, atMs) => triggers.updateDataset(tenant, name, atMs),
    async updatesOf(run, definition, ref) {
      const shard = shardOfRun(run);
      // The items of a map bring nothing up to date by themselves.
      if (shard === undefined || ref.includes('.')) return [];
      try {
        return (await definitions.step(shard, definition, Number(ref))).step.updates ?? [];
      } catch (error) {
        // A run that was forgotten meanwhile has taken its definition along.
        if (error instanceof OrreryError && error.code === 'STATE_UNEXPECTED') return [];
        throw error;
      }
    },
    async logicalTimeOf(run) {
      const shard = shardOfRun(run);
      const logical = shard === undefined ? null : await redis.hget(keys.run(shard, run), 'logical');
      return logical === null ? undefined : Number(logical);
    },
  };
}

function looksAtTheLog({ triggers, steps }: Workflow): boolean {
  return triggers.some((trigger) => 'workflow' in trigger) || steps.some(({ updates }) => updates !== undefined);
}
