import { Counter, Histogram, type Registry } from 'prom-client';

/** What this service counts. */
export interface FeatureMetrics {
  readonly daysComputed: Counter<'feature_set'>;
  readonly daysReused: Counter<'feature_set'>;
  readonly rowsComputed: Counter<'feature_set'>;
  readonly vectors: Counter<'feature_set'>;
  readonly vectorSeconds: Histogram<'feature_set'>;
}

export function createMetrics(registry: Registry): FeatureMetrics {
  const options = (name: string, help: string) => ({
    name: `orrery_features_${name}`,
    help,
    labelNames: ['feature_set'] as const,
    registers: [registry],
  });
  return {
    daysComputed: new Counter(options('days_computed_total', 'Days computed into partitions')),
    daysReused: new Counter(options('days_reused_total', 'Days found computed from the same inputs')),
    rowsComputed: new Counter(options('rows_computed_total', 'Rows computed into partitions')),
    vectors: new Counter(options('vectors_total', 'Rows answered online')),
    vectorSeconds: new Histogram({
      ...options('vector_request_seconds', 'Time of one request for vectors'),
      buckets: [0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5],
    }),
  };
}
