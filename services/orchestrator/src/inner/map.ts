import { OrreryError } from '@orrery/kit/errors';
import { Suspended, type Given, type StepExecutor, type StepTask } from '../executors/types.ts';
import type { Scope } from '../work/expressions.ts';
import { shardOfRun } from '../core/keys.ts';
import { limitKeyOf } from '../work/limit-keys.ts';
import type { StepBody } from '../work/step-inputs.ts';
import type { Suspension } from '../core/step-lease.ts';
import type { Transitions } from '../core/transitions.ts';

export interface MapItems {
  /** JSON texts, in order. */
  readonly items: readonly string[];
  /** The key under which each counts; empty for none. */
  readonly keys: readonly string[];
}

const itemsMaxDefault = 10_000;
const itemBytesMax = 64 * 1024;
/** Items in one call, and their length together: a call must be short, and its entry of the log fit the bus. */
const chunkItems = 256;
const chunkLengthMax = 256 * 1024;

/** The items of a map. Throws `ITEMS_WRONG` for what is no list, or too large. */
export function planItems(given: Given<'map'>, body: StepBody, scope: Scope): MapItems {
  const { over, itemsMax = itemsMaxDefault } = given;
  const list: unknown = over;
  if (!Array.isArray(list)) throw itemsWrong(`over is ${shown(list)}, not a list`, 'name a result that is a list');
  if (list.length > itemsMax) {
    throw itemsWrong(
      `over has ${list.length} items, itemsMax is ${itemsMax}`,
      'raise itemsMax, or make the list shorter',
    );
  }
  const items = list.map((item: unknown, index) => {
    const text = JSON.stringify(item ?? null);
    const bytes = Buffer.byteLength(text);
    if (bytes <= itemBytesMax) return text;
    const message = `the item ${index} has ${bytes} bytes, the bound is ${itemBytesMax}`;
    throw itemsWrong(message, 'put what is large into the store, and its digest into the list');
  });
  const limited = body.limit !== undefined;
  const keys = list.map((item: unknown, index) =>
    limited ? limitKeyOf(body, { ...scope, item: item ?? null, index }) : '',
  );
  return { items, keys };
}

/** The parts in which items are laid down: [first, behind the last]. */
export function* chunksOf(items: readonly string[]): Generator<readonly [first: number, end: number]> {
  let first = 0;
  let length = 0;
  for (const [index, item] of items.entries()) {
    length += item.length;
    if (index - first < chunkItems && (length <= chunkLengthMax || index === first)) continue;
    yield [first, index];
    [first, length] = [index, item.length];
  }
  if (first < items.length) yield [first, items.length];
}

export function createMapExecutor(deps: {
  readonly transitions: Pick<Transitions, 'signal'>;
}): StepExecutor<Given<'map'>> {
  return {
    async execute(task, { signal }) {
      const { items, keys } = planItems(task.given, bodyOf(task), task.scope);
      for (const [first, end] of chunksOf(items)) {
        signal.throwIfAborted();
        await layDown(deps.transitions, task, { first, items: items.slice(first, end), keys: keys.slice(first, end) });
      }
      return new Suspended({ on: 'items', items: items.length } satisfies Suspension);
    },
  };
}

async function layDown(
  transitions: Pick<Transitions, 'signal'>,
  { run, ref, fence, tenant }: StepTask,
  part: MapItems & { readonly first: number },
): Promise<void> {
  const shard = shardOfRun(run) ?? '';
  const { outcome } = await transitions.signal(shard, tenant, { kind: 'items', run, ref, fence, ...part });
  if (outcome === 'counted') return;
  // What is handed in under this fence is refused too: nothing comes of this attempt.
  const message = `the items of ${run}|${ref} were refused: ${outcome}`;
  throw new OrreryError({ code: 'LEASE_LOST', message, hint: 'another attempt lays them down', retry: 'retryable' });
}

function bodyOf({ defined }: StepTask): StepBody {
  if ('step' in defined) return defined.step;
  throw itemsWrong('there is no step inside of the map', 'a map has a step beside its with');
}

function shown(value: unknown): string {
  return (value === undefined ? 'nothing' : JSON.stringify(value)).slice(0, 200);
}

function itemsWrong(message: string, hint: string): OrreryError {
  return new OrreryError({ code: 'ITEMS_WRONG', message, hint });
}
