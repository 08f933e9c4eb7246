import { abortRun, queueRun } from './runs.ts';
import type { ModelPlan, ModelRun, Shard } from './shard.ts';

/** A row of a submission, under the names that go over the wire. */
export interface Row {
  readonly run: string;
  readonly tenant: string;
  readonly actor: string;
  readonly workflow: string;
  readonly definition: string;
  readonly parameters: string;
  readonly trigger: string;
  readonly logical: number;
  readonly key: string;
  readonly request: string;
  readonly key_ms: number;
  readonly runs_max: number;
  readonly timeout: number;
  readonly priority: number;
  readonly overlap: string;
  readonly automatic: boolean;
  readonly fired: string;
  readonly after: number;
  readonly parent: string;
  readonly pins: string;
  readonly limit_keys: Readonly<Record<string, string>>;
}

interface Bounds {
  readonly queuedMax: number;
  readonly outboxMax: number;
}

export function submitOne(shard: Shard, row: Row, bounds: Bounds): [outcome: string, run: string, state: string] {
  const known = knownRun(shard, row);
  if (known !== undefined) return known;
  const refused = refusal(shard, row, bounds);
  if (row.fired !== '' && (refused === undefined || ['skipped', 'paused'].includes(refused))) {
    const fired = shard.fired.get(row.tenant) ?? new Map<string, number>();
    shard.fired.set(row.tenant, fired.set(`${row.workflow}|${row.fired}`, row.logical));
    shard.changed = true;
  }
  if (refused !== undefined) return [refused, row.run, ''];
  if (row.overlap === 'replace') replaceOthers(shard, `${row.tenant}/${row.workflow}`);
  const run = takeIn(shard, row);
  return ['accepted', run.id, run.state];
}

/** Once for each key, each name, and each logical time of a trigger. */
function knownRun(shard: Shard, row: Row): [string, string, string] | undefined {
  const asked = row.key === '' ? undefined : shard.idempotency.get(`${row.tenant}:${row.key}`);
  if (asked !== undefined && asked.until > shard.now) {
    if (asked.request !== row.request) return ['key-reused', asked.run, ''];
    return ['known', asked.run, shard.runs.get(asked.run)?.state ?? 'purged'];
  }
  const same = shard.runs.get(row.run);
  if (same !== undefined) return ['known', row.run, same.state];
  const last = row.fired === '' ? undefined : shard.fired.get(row.tenant)?.get(`${row.workflow}|${row.fired}`);
  return last !== undefined && last > row.after ? ['past', row.run, ''] : undefined;
}

function refusal(shard: Shard, row: Row, { queuedMax, outboxMax }: Bounds): string | undefined {
  const lane = `${row.tenant}/${row.workflow}`;
  const queued = shard.queues.of(lane).size;
  if (shard.definitions.get(row.definition)?.get('complete') !== '1') return 'definition-needed';
  if (shard.outbox >= outboxMax) return 'outbox-full';
  if (queued >= queuedMax) return 'queue-full';
  if (!row.automatic) return undefined;
  if (shard.paused.has(`w|${lane}`) || shard.paused.has(`t|${row.tenant}`)) return 'paused';
  const busy = queued + shard.slots.of(lane).size > 0;
  return busy && row.overlap === 'skip' ? 'skipped' : undefined;
}

function replaceOthers(shard: Shard, lane: string): void {
  const others = (ranking: { entries(): [string, number][] }) => ranking.entries().slice(0, 8);
  for (const place of [shard.queues, shard.slots]) {
    for (const [id] of others(place.of(lane))) {
      const run = shard.runs.get(id);
      if (run !== undefined && run.state !== 'cancelling') abortRun(shard, run, 'cancelled', { grace: 0 });
    }
  }
}

function takeIn(shard: Shard, row: Row): ModelRun {
  const { definition, tenant, workflow } = row;
  const plan = planFrom(shard.definitions.get(definition) ?? new Map<string, string>());
  const run: ModelRun = {
    ...{
      id: row.run,
      tenant,
      actor: row.actor,
      workflow,
      definition,
      parameters: row.parameters,
      trigger: row.trigger,
    },
    ...{
      logical: row.logical,
      release: shard.release,
      created: shard.now,
      runsMax: row.runs_max,
      timeout: row.timeout,
    },
    ...{ pins: row.pins, parent: row.parent, lane: `${tenant}/${workflow}`, plan, state: '', started: 0, ended: 0 },
    ...{ priority: row.priority, left: plan.steps.length, failed: 0, sequence: 0, paused: '', ending: '' },
    ...{ steps: new Map(), counts: new Map(), data: new Map() },
  };
  for (const [ref, key] of Object.entries(row.limit_keys)) run.data.set(`k:${ref}`, key);
  shard.runs.set(run.id, run);
  shard.runsOf.of(tenant).set(run.id, shard.now);
  if (row.key !== '') {
    const until = shard.now + row.key_ms;
    shard.idempotency.set(`${tenant}:${row.key}`, { run: run.id, request: row.request, until });
  }
  queueRun(shard, run, {});
  return run;
}

/** What the parts of a definition say together. */
function planFrom(fields: ReadonlyMap<string, string>): ModelPlan {
  const { roots, profiles } = JSON.parse(fields.get('plan') ?? '') as Pick<ModelPlan, 'roots' | 'profiles'>;
  const chunks = [...fields].filter(([name]) => name.startsWith('p:'));
  chunks.sort(([left], [right]) => Number(left.slice(2)) - Number(right.slice(2)));
  return { roots, profiles, steps: chunks.flatMap(([, text]) => JSON.parse(text) as ModelPlan['steps']) };
}
