import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import { bulkChanged, reasonMissing } from '../errors.ts';
import { readCursor, writeCursor } from '../runs/run-cursor.ts';
import type { RunFilter, RunReader, RunSummary } from '../runs/run-reader.ts';
import type { Caller, Controls, Told, Wish } from './controls.ts';

export type BulkVerb = 'pause' | 'resume' | 'cancel' | 'kill' | 'priority' | 'retry';

export interface BulkOrder {
  readonly verb: BulkVerb;
  readonly reason: string;
  /** Which runs: by what they are, or by name. */
  readonly filter: RunFilter;
  readonly runs?: readonly string[] | undefined;
  readonly graceMs?: number | undefined;
  readonly priority?: number | undefined;
  /** The `token` of a dry run: nothing is done unless the list is the same. */
  readonly token?: string | undefined;
  readonly from?: string | undefined;
}

export interface BulkLine {
  readonly run: string;
  readonly workflow: string;
  readonly state: string;
  readonly text: string;
}

export interface BulkAnswer {
  readonly verb: BulkVerb;
  readonly applied: boolean;
  /** Stands for the verb, how it is done, and the names of the runs that it acts on. */
  readonly token: string;
  readonly acts: readonly BulkLine[];
  /** What is so already. */
  readonly nothing: readonly BulkLine[];
  readonly refused: readonly (BulkLine & { readonly code: string; readonly hint: string })[];
  /** Where the next page begins: more runs fit than one call takes. */
  readonly next: string | null;
}

export const bulkRunsMax = 1000;
const atOnce = 16;

/** One verb for many runs, up to 1,000 a call. Each of them is an entry of the log of its own. */
export class Bulk {
  readonly #reader: RunReader;
  readonly #controls: Controls;

  constructor(deps: { readonly reader: RunReader; readonly controls: Controls }) {
    this.#reader = deps.reader;
    this.#controls = deps.controls;
  }

  /** Exactly what `apply` would do to which, and what it would be refused. */
  async foretell(caller: Caller, order: BulkOrder): Promise<BulkAnswer> {
    const { summaries, next } = await this.#select(caller, order);
    const told = await eachOf(summaries, (summary) => this.#controls.foretell(caller, summary.run, wishOf(order)));
    return answerOf(order, told, { applied: false, next });
  }

  /** Throws `BULK_CHANGED` and does nothing when the token is of another list. */
  async apply(caller: Caller, order: BulkOrder): Promise<BulkAnswer> {
    if (order.reason === '') throw reasonMissing(`${order.verb} of many runs`);
    const foretold = await this.foretell(caller, order);
    if (order.token !== undefined && order.token !== foretold.token) {
      throw bulkChanged(order.token, foretold.token, foretold.acts.length);
    }
    const done = await eachOf(foretold.acts, ({ run }) => this.#controls.act(caller, run, wishOf(order)));
    const answer = answerOf(order, done, { applied: true, next: foretold.next });
    return {
      ...answer,
      token: foretold.token,
      nothing: [...foretold.nothing, ...answer.nothing],
      refused: [...foretold.refused, ...answer.refused],
    };
  }

  async #select(caller: Caller, { filter, runs, from }: BulkOrder) {
    if (runs !== undefined) {
      const named = runs.map((run) => ({ run }));
      const found = await eachOf(named, ({ run }) => this.#reader.summary(caller.tenant, run));
      const missing = { workflow: '', state: 'missing' };
      const summaries = found.map(({ of, value }) => (value instanceof OrreryError ? { ...of, ...missing } : value));
      return { summaries, next: null };
    }
    let cursor = from === undefined ? undefined : readCursor(from);
    const summaries: RunSummary[] = [];
    do {
      const limit = bulkRunsMax - summaries.length;
      const page = await this.#reader.list(caller.tenant, filter, {
        limit,
        ...(cursor === undefined ? {} : { from: cursor }),
      });
      summaries.push(...page.runs);
      cursor = page.next;
    } while (cursor !== undefined && summaries.length < bulkRunsMax);
    return { summaries, next: cursor === undefined ? null : writeCursor(cursor) };
  }
}

type Listed = Pick<RunSummary, 'run' | 'workflow' | 'state'>;

interface Outcome<T, R> {
  readonly of: T;
  readonly value: R | OrreryError;
}

/** In the order of the list, some at a time. What is no refusal ends it all. */
async function eachOf<T, R>(list: readonly T[], act: (each: T) => Promise<R>): Promise<Outcome<T, R>[]> {
  const found: Outcome<T, R>[] = [];
  for (let first = 0; first < list.length; first += atOnce) {
    const some = list.slice(first, first + atOnce).map(async (of) => {
      const value = await act(of).catch((error: unknown) => {
        if (error instanceof OrreryError) return error;
        throw error;
      });
      return { of, value };
    });
    found.push(...(await Promise.all(some)));
  }
  return found;
}

function answerOf(
  order: BulkOrder,
  told: readonly Outcome<Listed, Told>[],
  { applied, next }: { readonly applied: boolean; readonly next: string | null },
): BulkAnswer {
  const lines = told.map(({ of: { run, workflow, state }, value }) => ({ run, workflow, state, value }));
  const of = (outcomes: readonly Told['outcome'][]) =>
    lines.flatMap(({ value, ...line }) =>
      !(value instanceof OrreryError) && outcomes.includes(value.outcome) ? [{ ...line, text: value.text }] : [],
    );
  const acts = of(['done', 'would']);
  const refused = lines.flatMap(({ value, ...line }) =>
    value instanceof OrreryError ? [{ ...line, text: messageOf(value), code: value.code, hint: value.hint }] : [],
  );
  const token = tokenOf(
    order,
    acts.map(({ run }) => run),
  );
  return { verb: order.verb, applied, token, acts, nothing: of(['nothing']), refused, next };
}

function tokenOf({ verb, graceMs, priority }: BulkOrder, runs: readonly string[]): string {
  const list = { verb, graceMs: graceMs ?? null, priority: priority ?? null, runs: [...runs].sort() };
  return digestOfBytes(canonicalJson(list)).slice('sha256:'.length, 'sha256:'.length + 16);
}

function wishOf({ verb, reason, graceMs, priority }: BulkOrder): Wish {
  return { verb, reason, graceMs, priority };
}
