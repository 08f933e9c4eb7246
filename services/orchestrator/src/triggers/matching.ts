import { triggerNames } from './identity.ts';
import type { Trigger, TriggeredWorkflow, TriggerPlace } from './types.ts';

/** Something that was delivered, at least once, and may start runs. Its id is the same at each delivery. */
export type Happening = EventHappening | DatasetHappening | RunHappening;

/** A named event, or a delivery to a webhook. */
export interface EventHappening {
  readonly kind: 'event' | 'webhook';
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly key?: string;
  /** The same at each delivery of an event; of a webhook, when it was signed. */
  readonly atMs: number;
  readonly payload: unknown;
}

/** A dataset was brought up to date. */
export interface DatasetHappening {
  readonly kind: 'dataset';
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly atMs: number;
}

/** A run has ended. */
export interface RunHappening {
  readonly kind: 'run';
  /** The run's name. */
  readonly id: string;
  readonly tenant: string;
  readonly workflow: string;
  readonly state: 'succeeded' | 'failed' | 'cancelled';
  readonly logicalMs: number;
  readonly atMs: number;
}

export interface Match<T extends Trigger = Trigger> {
  readonly place: TriggerPlace;
  readonly trigger: T;
}

export type DatasetTrigger = Extract<Trigger, { dataset: unknown }>;

/** Finds the triggers of a happening without looking at those of others. */
export class TriggerIndex {
  readonly #matches = new Map<string, Match[]>();
  readonly #datasets: Match<DatasetTrigger>[] = [];

  constructor(workflows: readonly TriggeredWorkflow[]) {
    for (const { tenant, name: workflow, triggers } of workflows) {
      const names = triggerNames(triggers);
      for (const [index, trigger] of triggers.entries()) {
        const place = { tenant, workflow, trigger: names[index] ?? '' };
        if ('dataset' in trigger) this.#datasets.push({ place, trigger });
        for (const key of keysOf(tenant, trigger)) {
          this.#matches.set(key, [...(this.#matches.get(key) ?? []), { place, trigger }]);
        }
      }
    }
  }

  /** In the order of the definitions. */
  matching(happening: Exclude<Happening, DatasetHappening>): readonly Match[] {
    if (happening.kind === 'run') {
      const { tenant, workflow, state } = happening;
      const found = this.#matches.get(`run ${tenant} ${workflow}`) ?? [];
      return found.filter(({ trigger }) => 'workflow' in trigger && endsSo(trigger.on ?? 'succeeded', state));
    }
    const { kind, tenant, name, key } = happening;
    const found = this.#matches.get(`${kind} ${tenant} ${name}`) ?? [];
    return found.filter(({ trigger }) => !('event' in trigger) || trigger.key === undefined || trigger.key === key);
  }

  /** Those that fire on updates of the dataset. */
  updatedBy({ tenant, name }: DatasetHappening): readonly Match<DatasetTrigger>[] {
    return (this.#matches.get(`dataset ${tenant} ${name}`) ?? []).filter(isDataset);
  }

  /** Those that fire when a dataset has not been updated. */
  watching(): readonly Match<DatasetTrigger>[] {
    return this.#datasets.filter(({ trigger }) => trigger.olderThanSeconds !== undefined);
  }
}

export function datasetsOf(trigger: DatasetTrigger): readonly string[] {
  return [trigger.dataset].flat();
}

function keysOf(tenant: string, trigger: Trigger): string[] {
  if ('event' in trigger) return [`event ${tenant} ${trigger.event}`];
  if ('webhook' in trigger) return [`webhook ${tenant} ${trigger.webhook}`];
  if ('workflow' in trigger) return [`run ${tenant} ${trigger.workflow}`];
  if (!('dataset' in trigger) || trigger.olderThanSeconds !== undefined) return [];
  return [...new Set(datasetsOf(trigger))].map((name) => `dataset ${tenant} ${name}`);
}

function isDataset(match: Match): match is Match<DatasetTrigger> {
  return 'dataset' in match.trigger;
}

/** A cancel is an end, but no failure. */
function endsSo(on: 'succeeded' | 'failed' | 'ended', state: RunHappening['state']): boolean {
  return on === 'ended' || on === state;
}
