import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { decisionRefused, overloaded, runMissing } from '../errors.ts';
import { shardOfTenant } from '../core/keys.ts';
import type { RunReader } from '../runs/run-reader.ts';
import type { Transitions } from '../core/transitions.ts';
import type { EventHappening, Happening } from '../triggers/matching.ts';
import type { Delivery } from '../triggers/webhook.ts';
import type { Caller } from './controls.ts';

export interface OutsideEvent {
  readonly event: string;
  readonly key?: string | undefined;
  readonly payload?: unknown;
  /** How long it also wakes steps that begin to wait for it later. */
  readonly keepMs?: number | undefined;
  /** The same at each try: an event that is sent twice starts its runs once. */
  readonly id?: string | undefined;
}

export interface IntakeDeps {
  readonly transitions: Pick<Transitions, 'signal'>;
  readonly reader: RunReader;
  readonly shards: readonly string[];
  readonly clock: Clock;
  /** A name that nobody else has, for an event without an id. */
  readonly newId: () => string;
  /** Starts the runs that it triggers; what it returns was refused and must come again. */
  readonly trigger: (happenings: readonly Happening[]) => Promise<readonly Happening[]>;
  readonly readDelivery: (delivery: Delivery) => EventHappening;
  /** Notes that a dataset is up to date, wakes the steps that wait for it, and triggers runs. */
  readonly updateDataset: (caller: Caller, name: string, atMs: number) => Promise<void>;
  readonly onChange: () => void;
}

/** What comes from outside: events, updates of datasets, deliveries of hooks, decisions of people. */
export class Intake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /** Wakes the steps that wait for it, and starts the runs that it triggers. Throws the retryable `EVENT_REFUSED`: send it again. */
  async event({ tenant }: Caller, event: OutsideEvent): Promise<{ readonly id: string; readonly delivered: number }> {
    const { transitions, shards, clock, newId, trigger, onChange } = this.#deps;
    const { event: name, key = '', payload = null, keepMs = 0 } = event;
    const id = event.id ?? newId();
    const happening: EventHappening = {
      ...{ kind: 'event', id, tenant, name, atMs: clock.now(), payload },
      ...(key === '' ? {} : { key }),
    };
    const signal = { kind: 'event', event: name, key, payload: JSON.stringify(payload), keptMs: keepMs } as const;
    const { count } = await transitions.signal(shardOfTenant(tenant, shards), tenant, signal);
    const again = await trigger([happening]);
    onChange();
    if (again.length > 0) throw eventRefused(name, id);
    return { id, delivered: count };
  }

  /** A delivery is authenticated by its signature alone. */
  async hook(delivery: Delivery): Promise<{ readonly id: string }> {
    const { trigger, readDelivery, onChange } = this.#deps;
    const happening = readDelivery(delivery);
    const again = await trigger([happening]);
    onChange();
    if (again.length > 0) throw eventRefused(delivery.hook, happening.id);
    return { id: happening.id };
  }

  async dataset(
    caller: Caller,
    name: string,
    atMs: number | undefined,
  ): Promise<{ readonly dataset: string; readonly atMs: number }> {
    const { clock, updateDataset, onChange } = this.#deps;
    const updatedMs = Math.min(atMs ?? clock.now(), clock.now());
    await updateDataset(caller, name, updatedMs);
    onChange();
    return { dataset: name, atMs: updatedMs };
  }

  async decide(
    { tenant, actor }: Caller,
    run: string,
    word: { readonly step: string; readonly decision: 'approve' | 'reject'; readonly comment: string },
  ): Promise<{ readonly run: string; readonly step: string; readonly state: string }> {
    const { transitions, reader, onChange } = this.#deps;
    const { shard, plan } = await reader.record(tenant, run);
    const ref = plan.refOf(word.step);
    const signal = { kind: 'decision', run, ref, actor, word: word.decision, comment: word.comment } as const;
    const { outcome } = await transitions.signal(shard, tenant, signal);
    if (outcome === 'missing') throw runMissing(run);
    if (outcome !== 'counted') throw decisionRefused(outcome, word.step, actor);
    onChange();
    const [record] = await reader.steps(shard, run, [ref]);
    return { run, step: word.step, state: record?.state ?? '' };
  }
}

function eventRefused(name: string, id: string): OrreryError {
  const message = `a run that ${name} starts was refused: a queue or the outbox is full; send it again with the id ${id}`;
  const { hint, retry, status } = overloaded('QUEUE_FULL', message);
  return new OrreryError({ code: 'EVENT_REFUSED', message, hint: `${hint} with the same id`, retry, status });
}
