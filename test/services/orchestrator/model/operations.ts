import fc from 'fast-check';
import { patientPlans, plans } from './plans.ts';

/** Something that somebody does to a shard. What it is done to is picked by a number, among what is there by then. */
export type Operation =
  | {
      readonly op: 'submit';
      readonly tenant: string;
      readonly workflow: string;
      readonly key: string;
      readonly request: string;
      readonly automatic: boolean;
      readonly fired: string;
      readonly logicalMs: number;
      readonly overlap: 'queue' | 'skip' | 'replace';
      readonly priority: number | undefined;
      readonly pinned: boolean;
      readonly keyed: boolean;
      readonly twice: boolean;
    }
  | {
      readonly op: 'exchange';
      readonly pools: readonly string[];
      readonly want: number;
      readonly tenant: string | undefined;
      readonly leaseMs: number;
      readonly random: number;
      readonly endings: readonly Ended[];
    }
  | { readonly op: 'beat'; readonly pick: number; readonly leaseMs: number }
  | { readonly op: 'tick'; readonly random: number }
  | {
      readonly op: 'control';
      readonly verb: RunVerb;
      readonly pick: number;
      readonly tenant: string;
      readonly number: number;
    }
  | { readonly op: 'scope'; readonly verb: 'pause' | 'resume' | 'limit'; readonly scope: string; readonly most: number }
  | { readonly op: 'event'; readonly tenant: string; readonly event: string; readonly keptMs: number }
  | { readonly op: 'decide'; readonly pick: number; readonly actor: string; readonly word: 'approve' | 'reject' }
  | { readonly op: 'purge' | 'relay' };

export type RunVerb = 'cancel' | 'kill' | 'pause' | 'resume' | 'skip' | 'priority' | 'reset';

export interface Ended {
  readonly pick: number;
  /** `right`: as the step is meant to end, so that runs get on. */
  readonly outcome: 'right' | 'failed' | 'returned' | 'cancelled' | 'succeeded';
  readonly class: 'timeout' | 'unavailable' | 'throttled' | 'resources' | 'inputs' | 'failure';
  readonly retryable: boolean;
  readonly retryAfterMs: number;
}

export const tenants = ['t1', 't2'] as const;
export const pools = ['default', 'bulk', 'inner', 'default@b1'] as const;

const tenant = fc.constantFrom('t1', 't1', 't2');
const pick = fc.nat(1000);
const random = fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1000);

const ended: fc.Arbitrary<Ended> = fc.record({
  pick,
  outcome: fc.constantFrom(
    'right',
    'right',
    'right',
    'right',
    'right',
    'failed',
    'failed',
    'returned',
    'cancelled',
    'succeeded',
  ),
  class: fc.constantFrom('timeout', 'unavailable', 'throttled', 'inputs', 'failure', 'failure'),
  retryable: fc.boolean(),
  retryAfterMs: fc.constantFrom(0, 0, 0, 3),
});

/** `patient`: nothing runs out by itself. */
export function operationOf(kind: 'hasty' | 'patient'): fc.Arbitrary<Operation> {
  const names = (kind === 'hasty' ? plans : patientPlans).map(({ workflow: { name } }) => name);
  const leaseMs = kind === 'hasty' ? fc.constantFrom(0, 1, 60_000, 60_000, 60_000) : fc.constant(60_000);
  return fc.oneof(
    { weight: 4, arbitrary: submission(names) },
    {
      weight: 16,
      arbitrary: fc.record({
        op: fc.constant('exchange' as const),
        pools: fc.constantFrom(
          ['default@b1', 'default'],
          ['default'],
          ['bulk'],
          ['inner'],
          ['inner'],
          ['default', 'bulk', 'inner'],
        ),
        want: fc.integer({ min: 0, max: 4 }),
        tenant: fc.constantFrom(undefined, undefined, undefined, 't1'),
        leaseMs,
        random,
        endings: fc.array(ended, { maxLength: 4 }),
      }),
    },
    fc.record({ op: fc.constant('beat' as const), pick, leaseMs }),
    { weight: 4, arbitrary: fc.record({ op: fc.constant('tick' as const), random }) },
    {
      weight: 4,
      arbitrary: fc.record({
        op: fc.constant('control' as const),
        verb: fc.constantFrom(
          'cancel',
          'kill',
          'pause',
          'resume',
          'resume',
          'skip',
          'priority',
          'reset',
          'reset',
          'reset',
        ),
        pick,
        tenant,
        number: fc.nat(9),
      }),
    },
    { weight: 2, arbitrary: scopeOperation },
    {
      weight: 2,
      arbitrary: fc.record({
        op: fc.constant('event' as const),
        tenant,
        event: fc.constantFrom('order', 'order', 'other'),
        keptMs: kind === 'hasty' ? fc.constantFrom(0, 0, 5, 60_000) : fc.constantFrom(0, 60_000),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        op: fc.constant('decide' as const),
        pick,
        actor: fc.constantFrom('ann', 'bob', 'cleo', 'dan'),
        word: fc.constantFrom('approve', 'approve', 'approve', 'reject'),
      }),
    },
    fc.record({ op: fc.constantFrom('purge' as const, 'relay' as const) }),
  );
}

function submission(names: readonly string[]): fc.Arbitrary<Operation> {
  return fc.record({
    op: fc.constant('submit' as const),
    tenant,
    workflow: fc.constantFrom(...names),
    key: fc.constantFrom('', '', '', 'k1', 'k2'),
    request: fc.constantFrom('a', 'a', 'b'),
    automatic: fc.boolean(),
    fired: fc.constantFrom('', '', '', '', 'cron'),
    logicalMs: fc.integer({ min: 1, max: 5 }),
    overlap: fc.constantFrom('queue', 'skip', 'replace'),
    priority: fc.constantFrom(undefined, undefined, 0, 9),
    pinned: fc.constantFrom(false, false, true),
    keyed: fc.boolean(),
    twice: fc.constantFrom(false, false, false, true),
  });
}

const scopeOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    op: fc.constant('scope' as const),
    verb: fc.constantFrom('pause', 'resume', 'resume'),
    scope: fc.constantFrom('t|t1', 't|t2', 'w|t1/diamond', 'w|t1/fan', 'w|t1/chain'),
    most: fc.constant(0),
  }),
  fc.record({
    op: fc.constant('scope' as const),
    verb: fc.constant('limit' as const),
    scope: fc.constantFrom('t|t1', 't|t2', 'p|default', 'p|bulk', 'w|t1', 'w|t2', 'b|t1'),
    most: fc.constantFrom(-1, -1, 1, 2, 4),
  }),
);
