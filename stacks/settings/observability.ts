import Type, { type Static } from 'typebox';
import { planBudget } from '#infra/planning/observability/budgets.ts';
import { checkMetricsSize } from '#infra/planning/observability/metrics.ts';
import { closed, Count, MemoryMiB, OneForm, Text, VolumeGiB } from './fields.ts';
import { planned, problem, unless, type SettingsRule } from './problem.ts';

const Email = Text('^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$', 'an address that somebody reads, such as platform@example.com');
const Emails = Type.Array(Email, {
  minItems: 1,
  maxItems: 10,
  uniqueItems: true,
  description: '1 to 10 addresses that are told',
});

const NoMetabase = Type.Object({ kind: Type.Literal('none') }, closed);
const VolumeMetabase = Type.Object({ kind: Type.Literal('volume'), volumeGiB: VolumeGiB }, closed);
const PostgresMetabase = Type.Object(
  {
    kind: Type.Literal('postgres'),
    instanceType: Text('^db\\.[a-z0-9]+\\.[a-z0-9]+$', 'a type of RDS such as db.t4g.micro'),
    volumeGiB: Count(20, 1000, 'the volume in GiB, at least 20: it can grow, never shrink'),
    backupDays: Count(1, 35, 'days that daily backups are kept, 1 to 35'),
  },
  closed,
);

/** What is the same wherever the cluster stands. */
const watching = {
  runbooksUrl: Text('^https://\\S+[^/\\s]$', 'where docs/runbooks lies for people, https and no slash at the end'),
  metrics: Type.Object(
    {
      retentionDays: Count(1, 400, 'days that samples are kept, 1 to 400'),
      volumeGiB: Count(5, 16_000, "Prometheus' volume in GiB, at least 5: it can grow, never shrink"),
      memoryMiB: MemoryMiB(512),
    },
    closed,
  ),
  logDays: Count(1, 400, 'days that the lines of containers are kept in ClickHouse, 1 to 400'),
  traceDays: Count(1, 400, 'days that traces are kept in ClickHouse, 1 to 400'),
  traceSamplePercent: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100,
    description: 'how many of a hundred traces are kept that neither failed nor were slow, above 0',
  }),
};

/** Of a cloud of its own. */
export const observabilitySettings = {
  observability: Type.Object(
    {
      ...watching,
      alertEmails: Emails,
      metabase: OneForm(
        [NoMetabase, VolumeMetabase, PostgresMetabase],
        'none, volume (a file, for what may be lost) or postgres (a server of AWS)',
      ),
    },
    closed,
  ),
  budget: Type.Object(
    {
      monthlyUsd: Count(1, 10_000_000, 'dollars that the account may cost in a month'),
      emails: Emails,
    },
    closed,
  ),
};
export type ObservabilitySettings = Static<ReturnType<typeof Type.Object<typeof observabilitySettings>>>;

const Price = (description: string) => Type.Number({ minimum: 0, description });

/** Of a cluster that is there already: nobody has a list of its prices, and nobody sends letters. */
export const clusterObservabilitySettings = {
  observability: Type.Object(
    {
      ...watching,
      metabase: OneForm([NoMetabase, VolumeMetabase], 'none or volume (a file, for what may be lost)'),
      prices: Type.Object(
        {
          coreHour: Price('dollars that a core costs in an hour; 0 where nobody counts'),
          memoryGiBHour: Price('dollars that a GiB of memory costs in an hour; 0 where nobody counts'),
          gpuHour: Price('dollars that a GPU costs in an hour; 0 where nobody counts'),
          volumeGiBMonth: Price('dollars that a GiB of a volume costs in a month; 0 where nobody counts'),
        },
        closed,
      ),
    },
    closed,
  ),
};
export type ClusterObservabilitySettings = Static<ReturnType<typeof Type.Object<typeof clusterObservabilitySettings>>>;

/** For both targets. */
export const clusterObservabilityRules: readonly SettingsRule<ClusterObservabilitySettings>[] = [
  {
    reads: ['observability'],
    find: ({ observability: { metrics } }) =>
      planned('observability.metrics', metrics, () => checkMetricsSize(metrics)),
  },
];

/** What `prod` promises, and what AWS takes. */
export const observabilityRules: readonly SettingsRule<ObservabilitySettings>[] = [
  {
    reads: ['observability'],
    find: ({ observability: { metrics } }) =>
      planned('observability.metrics', metrics, () => checkMetricsSize(metrics)),
  },
  {
    reads: ['budget'],
    find: ({ budget }) => planned('budget.monthlyUsd', budget.monthlyUsd, () => planBudget(budget)),
  },
  {
    reads: ['observability'],
    find: ({ observability: { metabase, logDays, metrics } }, environment) =>
      environment !== 'prod'
        ? []
        : [
            ...unless(
              metabase.kind !== 'volume',
              problem('observability.metabase', metabase, 'can break with a crash', 'postgres or none in prod'),
            ),
            ...unless(
              logDays >= 14,
              problem('observability.logDays', logDays, 'forgets before anyone asks', 'at least 14 in prod'),
            ),
            ...unless(
              metrics.retentionDays >= 14,
              problem(
                'observability.metrics.retentionDays',
                metrics.retentionDays,
                'forgets before anyone asks',
                'at least 14 in prod',
              ),
            ),
          ],
  },
];
