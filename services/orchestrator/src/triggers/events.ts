import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { isTooLate } from './catch-up.ts';
import { actorOf, triggeredRunName, triggerOfHappening } from './identity.ts';
import {
  datasetsOf,
  TriggerIndex,
  type DatasetHappening,
  type DatasetTrigger,
  type Happening,
  type Match,
} from './matching.ts';
import { ownerOf } from './rendezvous.ts';
import type {
  Datasets,
  Peers,
  ResolveParameters,
  ShardOf,
  Submitter,
  TriggeredSubmission,
  TriggeredWorkflow,
  TriggerOutcome,
  Watermarks,
} from './types.ts';

export interface EventTriggersDeps {
  readonly submitter: Submitter;
  readonly watermarks: Watermarks;
  readonly datasets: Datasets;
  readonly peers: Peers;
  readonly resolve: ResolveParameters;
  readonly shardOf: ShardOf;
  readonly clock: Clock;
  readonly log: Log;
  readonly onFired: (outcome: TriggerOutcome, lagMs: number) => void;
}

interface Firing {
  readonly logicalMs: number;
  readonly run: string;
  readonly event: unknown;
  readonly fired?: { readonly after: number };
}

/** So long another orchestrator leaves a stale dataset to the owner of its trigger. */
const patienceMs = 5000;
const datasetTriesMax = 5;
const told: ReadonlySet<TriggerOutcome> = new Set(['skipped', 'paused', 'unavailable']);

/**
 * Fires triggers on what happens. Events, deliveries to webhooks and ends of runs have an id, and the name of the run comes of it: what
 * is delivered twice fires once. Updates of datasets are not counted: what fires is that all are newer than the last firing, so
 * that several updates before it are one.
 */
export class EventTriggers {
  readonly #deps: EventTriggersDeps;
  #index = new TriggerIndex([]);

  constructor(deps: EventTriggersDeps) {
    this.#deps = deps;
  }

  rebuild(workflows: readonly TriggeredWorkflow[]): void {
    this.#index = new TriggerIndex(workflows);
  }

  /** Returns what has to be delivered again, since something of it was refused. What can't ever fire is told, and done. */
  async handle(happenings: readonly Happening[]): Promise<readonly Happening[]> {
    const again = new Set<Happening>();
    const wanted = happenings.flatMap((happening) =>
      happening.kind === 'dataset'
        ? []
        : this.#submissionsOf(happening).map((submission) => ({ happening, submission })),
    );
    const decided = await this.#submit(wanted.map(({ submission }) => submission));
    for (const { happening, submission } of wanted) if (!decided.has(submission.run)) again.add(happening);
    for (const happening of happenings) {
      if (happening.kind === 'dataset' && !(await this.#handleUpdate(happening))) again.add(happening);
    }
    return happenings.filter((happening) => again.has(happening));
  }

  /** Fires for datasets that were not updated for too long, once for each such time. Call it every second or so. */
  async lookForStale(): Promise<void> {
    const { clock, datasets, peers, watermarks } = this.#deps;
    for (const match of this.#index.watching()) {
      const { place, trigger } = match;
      const updated = await datasets.updatedAt(place.tenant, datasetsOf(trigger));
      const staleMs = staleAt(updated, trigger.olderThanSeconds ?? 0);
      if (staleMs === undefined) continue;
      const owns = ownerOf(`${place.tenant}/${place.workflow}/${place.trigger}`, peers.live()) === peers.self;
      if (clock.now() < staleMs + (owns ? 0 : patienceMs)) continue;
      const [lastMs = 0] = await watermarks.last([place]);
      if (lastMs < staleMs) await this.#fireDataset(match, { logicalMs: staleMs, after: staleMs - 1 });
    }
  }

  #submissionsOf(happening: Exclude<Happening, DatasetHappening>): TriggeredSubmission[] {
    const { clock, shardOf } = this.#deps;
    const logicalMs = happening.kind === 'run' ? happening.logicalMs : happening.atMs;
    const event = happening.kind === 'run' ? endOf(happening) : happening.payload;
    return this.#index.matching(happening).flatMap((match) => {
      const { place, trigger } = match;
      if (isTooLate(trigger.catchUp, happening.atMs, clock.now())) return [];
      const named = triggerOfHappening(place.trigger, happening.id);
      // What is sent again comes at another time: the run's name holds only a time that is the same at each delivery.
      const namedMs = happening.kind === 'run' ? logicalMs : 0;
      const run = triggeredRunName(shardOf(place.tenant), { ...place, trigger: named, logicalMs: namedMs });
      return this.#submission(match, { logicalMs, run, event });
    });
  }

  /** Says whether it is settled. Somebody else's firing in between is looked at again: this update may be later than it. */
  async #handleUpdate(happening: DatasetHappening): Promise<boolean> {
    let settled = true;
    for (const match of this.#index.updatedBy(happening)) {
      if (isTooLate(match.trigger.catchUp, happening.atMs, this.#deps.clock.now())) continue;
      let outcome: TriggerOutcome | undefined = 'past';
      for (let tries = 0; outcome === 'past' && tries < datasetTriesMax; tries += 1) {
        outcome = await this.#fireWhenAllAreNewer(match);
      }
      if (outcome === 'past' || outcome === 'refused') settled = false;
    }
    return settled;
  }

  async #fireWhenAllAreNewer(match: Match<DatasetTrigger>): Promise<TriggerOutcome | undefined> {
    const { datasets, watermarks } = this.#deps;
    // First the watermark: an update that comes between the two questions can only make it fire, never get lost.
    const [after = 0] = await watermarks.last([match.place]);
    const updated = await datasets.updatedAt(match.place.tenant, datasetsOf(match.trigger));
    if (updated.some((ms) => (ms ?? 0) <= after)) return undefined;
    return this.#fireDataset(match, { logicalMs: Math.max(...updated.map((ms) => ms ?? 0)), after });
  }

  /** Undefined when the parameters have no value. */
  async #fireDataset(
    match: Match<DatasetTrigger>,
    { logicalMs, after }: { readonly logicalMs: number; readonly after: number },
  ): Promise<TriggerOutcome | undefined> {
    const { place, trigger } = match;
    const run = triggeredRunName(this.#deps.shardOf(place.tenant), { ...place, logicalMs });
    const event = { datasets: datasetsOf(trigger), at: new Date(logicalMs).toISOString() };
    const submissions = this.#submission(match, { logicalMs, run, event, fired: { after } });
    if (submissions.length === 0) return undefined;
    const outcomes = await this.#submit(submissions);
    return outcomes.get(run) ?? 'refused';
  }

  #submission({ place, trigger }: Match, { logicalMs, run, event, fired }: Firing): TriggeredSubmission[] {
    const { resolve, log } = this.#deps;
    try {
      const scope = { run: { id: run, tenant: place.tenant, logicalMs }, event };
      const parameters = resolve(trigger.parameters ?? {}, scope);
      const overlap = trigger.overlap ?? 'queue';
      const actor = actorOf(place.trigger);
      return [{ ...place, run, logicalMs, actor, parameters, overlap, ...(fired === undefined ? {} : { fired }) }];
    } catch (error) {
      log.warn({ ...place, logicalMs, reason: messageOf(error) }, 'a trigger does not fire');
      return [];
    }
  }

  /** The outcomes by run, without those that were refused and may be asked for again. */
  async #submit(submissions: readonly TriggeredSubmission[]): Promise<ReadonlyMap<string, TriggerOutcome>> {
    const decided = new Map<string, TriggerOutcome>();
    const { submitter, clock, log, onFired } = this.#deps;
    if (submissions.length === 0) return decided;
    const answers = await submitter.submit(submissions).catch((error: unknown) => {
      log.warn({ runs: submissions.length, reason: messageOf(error) }, 'triggers must wait');
      return [];
    });
    for (const [index, { run, outcome, reason }] of answers.entries()) {
      const submission = submissions[index];
      if (outcome === 'refused' || submission === undefined) continue;
      decided.set(run, outcome);
      onFired(outcome, clock.now() - submission.logicalMs);
      const { tenant, workflow, trigger } = submission;
      const fields = { tenant, workflow, trigger, run, outcome, reason };
      if (told.has(outcome)) log.info(fields, 'a trigger did not start a run');
    }
    return decided;
  }
}

/** When the first of the datasets became too old; undefined as long as one was never updated, since its age has no beginning. */
export function staleAt(updated: readonly (number | undefined)[], olderThanSeconds: number): number | undefined {
  const known = updated.filter((ms) => ms !== undefined);
  if (known.length < updated.length || known.length === 0) return undefined;
  return Math.min(...known) + olderThanSeconds * 1000;
}

function endOf({ id, workflow, state }: Extract<Happening, { kind: 'run' }>) {
  return { run: id, workflow, state };
}
