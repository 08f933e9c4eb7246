/** What the triggers know of a definition, and what they need from the rest of the orchestrator. */
import type { Trigger } from '@orrery/contracts/definitions/workflow-triggers';

export type { Trigger } from '@orrery/contracts/definitions/workflow-triggers';

export interface CronTrigger {
  readonly cron: string;
  /** IANA name. Default UTC. */
  readonly timezone?: string;
}

export interface IntervalTrigger {
  readonly everySeconds: number;
  /** Moves the times, which are otherwise multiples of the interval since 1970. Default 0. */
  readonly offsetSeconds?: number;
}

/** Fires at times that are known beforehand. */
export type ClockTrigger = CronTrigger | IntervalTrigger;

/** What to do at a logical time when a run of the workflow is queued or running. Default `queue`. */
export type Overlap = 'queue' | 'skip' | 'replace';

/** Which logical times fire that came while nobody could fire them. */
export interface CatchUp {
  readonly runs: 'latest' | 'all' | 'none';
  /** How late such a time may still fire. */
  readonly withinSeconds: number;
}

/** A workflow as the triggers see it: what it is called and what starts it. */
export interface TriggeredWorkflow {
  readonly tenant: string;
  readonly name: string;
  readonly triggers: readonly Trigger[];
}

/** Which trigger of which workflow. */
export interface TriggerPlace {
  readonly tenant: string;
  readonly workflow: string;
  /** See `triggerNames`. */
  readonly trigger: string;
}

export interface TriggeredSubmission extends TriggerPlace {
  /** The same whoever submits it: that is what makes it fire once. */
  readonly run: string;
  readonly logicalMs: number;
  readonly actor: string;
  /** Resolved, not yet bound to what the definition declares. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly overlap: Overlap;
  /**
   * Moves the watermark of the trigger to `logicalMs` together with the run, whatever the outcome but `refused`. When the watermark
   * lies beyond `after` and the run is not there, somebody decided this time before: the outcome is `past`. Absent where the
   * run's name alone decides (events, backfills): no watermark is looked at or moved.
   */
  readonly fired?: { readonly after: number };
}

/**
 * `accepted`: this call made the run. `known`: it was there. `past`: the watermark says that this time was decided. `skipped`: a run
 * of the workflow was queued or running and the overlap is `skip`. `paused`: the workflow or tenant is. `unavailable`: it can not run
 * here (no such workflow, something lacks, parameters that don't fit). `refused`: a queue or the outbox is full; the same may be
 * accepted later, and nothing has changed.
 */
export type TriggerOutcome = 'accepted' | 'known' | 'past' | 'skipped' | 'paused' | 'unavailable' | 'refused';

export interface TriggerAnswer {
  readonly run: string;
  readonly outcome: TriggerOutcome;
  /** For people: why not. */
  readonly reason?: string;
}

export interface Submitter {
  /** Answers in the order of the list. A throw says nothing of what has happened: the same list may be sent again. */
  submit(submissions: readonly TriggeredSubmission[]): Promise<readonly TriggerAnswer[]>;
}

export interface Watermarks {
  /** The last logical time that was decided for each, in order; undefined for one that never was. */
  last(places: readonly TriggerPlace[]): Promise<readonly (number | undefined)[]>;
}

export interface Datasets {
  /** When each was brought up to date last, in order; undefined for one that never was. */
  updatedAt(tenant: string, names: readonly string[]): Promise<readonly (number | undefined)[]>;
}

export interface Peers {
  readonly self: string;
  /** The orchestrators that are known to be alive, this one among them. From memory, and the same list as long as nothing changes. */
  live(): readonly string[];
}

/** What the expressions of a trigger's parameters may name. */
export interface TriggerScope {
  readonly run: { readonly id: string; readonly tenant: string; readonly logicalMs: number };
  /** The payload of what happened; null for a clock. */
  readonly event: unknown;
}

/** Puts values in place of expressions. Throws the terminal `EXPRESSION_UNRESOLVED`. */
export type ResolveParameters = (
  parameters: Readonly<Record<string, unknown>>,
  scope: TriggerScope,
) => Readonly<Record<string, unknown>>;

/** The shard that holds everything of a tenant. */
export type ShardOf = (tenant: string) => string;

export function isCron(trigger: object): trigger is CronTrigger {
  return 'cron' in trigger;
}

export function isClock(trigger: object): trigger is ClockTrigger {
  return 'cron' in trigger || 'everySeconds' in trigger;
}
