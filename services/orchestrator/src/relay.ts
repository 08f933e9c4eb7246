import { randomUUID } from 'node:crypto';
import { runEventsTopic, type RunEvent } from '@orrery/contracts/run-event';
import type { EventBus, OutgoingEvent } from '@orrery/kit/bus/types';
import type { OrchestratorMetrics } from './metrics.ts';
import type { OutboxEntry, Transitions } from './transitions.ts';

/** Longer than the bus may take to answer, so that a relay that still publishes keeps its turn. */
const leaseMs = 20_000;
const eventsMax = 500;

/**
 * Hands the outbox of one shard to the bus, in order, one relay at a time. An event leaves the outbox only when the bus has it; one
 * that is published twice, because a relay died in between, has the same id and the same place in its run.
 */
export class Relay {
  readonly #shard: string;
  readonly #deps: { transitions: Transitions; bus: EventBus; metrics: OrchestratorMetrics };
  readonly #name = randomUUID();
  #published = '';

  constructor(shard: string, deps: { transitions: Transitions; bus: EventBus; metrics: OrchestratorMetrics }) {
    this.#shard = shard;
    this.#deps = deps;
  }

  async round(): Promise<boolean> {
    const { transitions, bus, metrics } = this.#deps;
    const turn = { relay: this.#name, leaseMs, published: this.#published, eventsMax };
    const entries = await transitions.relay(this.#shard, turn);
    this.#published = '';
    const last = entries?.at(-1);
    if (entries === undefined || last === undefined) return false;
    await bus.publish(runEventsTopic, entries.map(outgoing));
    this.#published = last.id;
    metrics.relayed.inc(entries.length);
    return true;
  }
}

function outgoing(entry: OutboxEntry): OutgoingEvent {
  const event = eventOf(entry);
  const type = event.step === '' ? `run.${event.to}` : `step.${event.to}`;
  const headers = { tenant: event.tenant, actor: event.actor, type, id: `${event.run}/${event.sequence}` };
  return { key: event.run, value: JSON.stringify(event), headers };
}

function eventOf({ fields }: OutboxEntry): RunEvent {
  const text = (name: string) => fields.get(name) ?? '';
  return {
    schema: 1,
    tenant: text('tenant'),
    actor: text('actor'),
    workflow: text('workflow'),
    definition: text('definition'),
    run: text('run'),
    sequence: Number(text('sequence')),
    step: text('step'),
    attempt: Number(text('attempt')),
    fence: Number(text('fence')),
    from: text('from'),
    to: text('to'),
    reason: text('reason'),
    atMs: Number(text('at')),
    release: text('release'),
  };
}
