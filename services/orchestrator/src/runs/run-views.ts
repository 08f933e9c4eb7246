import { endedStates, timeOf, type StepRecord } from '../control/step-record.ts';
import { cursorInvalid } from '../errors.ts';
import type { RunReader, RunRecord, RunSummary } from './run-reader.ts';

export interface StepView {
  readonly name: string;
  readonly ref: string;
  readonly uses: string;
  readonly state: string;
  readonly attempt: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** It succeeded with the result of its fallback: `error` is that of its last try. */
  readonly degraded?: true;
  /** Of a map that has laid down its items. */
  readonly items?: { readonly items: number; readonly ended: number; readonly failed: number };
  readonly approvals?: unknown;
  readonly progress?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

export interface RunView extends RunSummary {
  readonly parameters: unknown;
  readonly logicalTime: string;
  readonly startedAtMs: number | null;
  /** How many transitions the run has made: the history is whole when it has as many events. */
  readonly sequence: number;
  readonly parent: string | null;
  readonly stepsCount: number;
  /** State -> how many steps are in it. */
  readonly counts: Readonly<Record<string, number>>;
  readonly steps: readonly StepView[];
}

export interface StepQuery {
  readonly state?: string;
  /** Name of a map: its items instead of the steps. */
  readonly itemsOf?: string;
  readonly limit: number;
  /** Number of the first step or item. */
  readonly from?: number;
}

export interface StepPage {
  readonly steps: readonly StepView[];
  readonly next: number | null;
}

/** A run with at most so many steps is shown whole; of a larger one, as many that have not ended well. */
export const stepsShownMax = 200;
const scannedMax = 10_000;

/** Runs and steps as people and programs see them. */
export class RunViews {
  readonly #reader: RunReader;

  constructor(reader: RunReader) {
    this.#reader = reader;
  }

  async run(tenant: string, id: string): Promise<RunView> {
    const record = await this.#reader.record(tenant, id);
    const { hash, plan, summary } = record;
    const records = await this.#reader.allSteps(record);
    const counts: Record<string, number> = {};
    for (const { state } of records) counts[state] = (counts[state] ?? 0) + 1;
    const all = records.map((step, number) => ({ ref: String(number), step }));
    const isSmall = all.length <= stepsShownMax;
    const shown = isSmall ? all : all.filter(({ step }) => step.state !== 'succeeded').slice(0, stepsShownMax);
    return {
      ...summary,
      parameters: JSON.parse(hash['parameters'] ?? '{}') as unknown,
      logicalTime: new Date(Number(hash['logical'])).toISOString(),
      startedAtMs: timeOf(hash['started']),
      sequence: Number(hash['sequence']),
      parent: (hash['parent'] ?? '') === '' ? null : (hash['parent']?.split('|')[0] ?? null),
      stepsCount: plan.steps.length,
      counts,
      steps: await this.#views(record, shown, { results: true }),
    };
  }

  /** A page of a run's steps or of a map's items, in the order of the definition, without their results. */
  async steps(tenant: string, id: string, query: StepQuery): Promise<StepPage> {
    const record = await this.#reader.record(tenant, id);
    const map = query.itemsOf === undefined ? undefined : record.plan.refOf(query.itemsOf);
    const count = map === undefined ? record.plan.steps.length : ((await this.#itemsOf(record, [map]))[0]?.items ?? 0);
    const from = query.from ?? 0;
    if (from > count) throw cursorInvalid(String(from));
    const found: { ref: string; step: StepRecord }[] = [];
    let next = from;
    while (next < count && next - from < scannedMax && found.length < query.limit) {
      const refs = Array.from({ length: Math.min(500, count - next) }, (_, index) =>
        map === undefined ? String(next + index) : `${map}.${next + index}`,
      );
      for (const [index, step] of (await this.#reader.steps(record.shard, id, refs)).entries()) {
        next += 1;
        if (query.state === undefined || step.state === query.state) found.push({ ref: refs[index] ?? '', step });
        if (found.length >= query.limit) break;
      }
    }
    return { steps: await this.#views(record, found, { results: false }), next: next < count ? next : null };
  }

  /** One step, or one item of a map, with all that is known of it. */
  async step(tenant: string, id: string, name: string): Promise<StepView> {
    const record = await this.#reader.record(tenant, id);
    const ref = record.plan.refOf(name);
    const [step] = await this.#reader.steps(record.shard, id, [ref]);
    const [view] = await this.#views(record, step === undefined ? [] : [{ ref, step }], { results: true });
    if (view === undefined) throw cursorInvalid(name);
    return view;
  }

  async #views(
    record: RunRecord,
    steps: readonly { readonly ref: string; readonly step: StepRecord }[],
    { results }: { readonly results: boolean },
  ): Promise<StepView[]> {
    const { shard, run, plan } = record;
    const kinds = results ? ['p', 'e', 'a', 'r'] : ['p', 'e'];
    const fields = steps.flatMap(({ ref }) => kinds.map((kind) => `${kind}:${ref}`));
    const data = await this.#reader.data(shard, run, fields);
    const maps = steps.filter(({ ref }) => plan.profileOf(ref)?.kind === 'map').map(({ ref }) => ref);
    const items = new Map((await this.#itemsOf(record, maps)).map((each, index) => [maps[index], each]));
    return steps.map(({ ref, step }, index): StepView => {
      const [progress, error, approvals, result] = data.slice(index * kinds.length, (index + 1) * kinds.length);
      const ofMap = items.get(ref);
      return {
        name: plan.nameOf(ref),
        ref,
        uses: plan.profileOf(ref)?.kind ?? '',
        state: step.state,
        attempt: step.attempt,
        startedAtMs: timeOf(step.startedMs),
        endedAtMs: timeOf(step.endedMs),
        // A step that succeeds by itself leaves no error behind.
        ...(step.state === 'succeeded' && error !== undefined ? { degraded: true } : {}),
        ...(ofMap === undefined ? {} : { items: ofMap }),
        ...(progress === undefined || endedStates.includes(step.state) ? {} : { progress }),
        ...(error === undefined ? {} : { error }),
        ...(approvals === undefined ? {} : { approvals }),
        ...(result === undefined ? {} : { result }),
      };
    });
  }

  async #itemsOf({ shard, run }: RunRecord, maps: readonly string[]) {
    const fields = maps.flatMap((ref) => [`${ref}n`, `${ref}f`, ref]);
    const counts = await this.#reader.counts(shard, run, fields);
    return maps.map((_, index) => {
      const [items = 0, failed = 0, ended = 0] = counts.slice(index * 3, index * 3 + 3);
      return items === 0 ? undefined : { items, ended, failed };
    });
  }
}
