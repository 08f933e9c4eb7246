import type { Model } from '@orrery/contracts/definitions/model';
import type { Pair } from '@orrery/contracts/pair';
import type { Evidence } from './evidence.ts';

/** A model card: what the definition says in words, and numbers only from evidence, each beside the digest it was read from. */
export interface Card {
  readonly pair: string;
  readonly model: string;
  readonly owner: string;
  readonly target: Model['target'];
  readonly known: string;
  readonly intendedUse: string;
  readonly outOfScope: string;
  readonly limits: string;
  readonly dataSource: string;
  readonly contact: string;
  readonly estimator: string;
  readonly features: readonly string[];
  readonly split: Model['split'];
  readonly metrics: Evidence['metrics'];
  readonly parity: Evidence['parity'];
  readonly evidence: { readonly metrics: string; readonly parity: string; readonly definition: string };
  readonly lineage: Pair['lineage'];
}

export function writeCard(digest: string, pair: Pair, definition: Model, evidence: Evidence): Card {
  const { card } = definition;
  return {
    pair: digest,
    model: pair.model,
    owner: definition.owner,
    target: definition.target,
    known: definition.known,
    intendedUse: card.intendedUse,
    outOfScope: card.outOfScope,
    limits: card.limits,
    dataSource: card.dataSource,
    contact: card.contact,
    estimator: `${definition.framework} ${definition.estimator}`,
    features: definition.features.map((feature) => feature.name),
    split: definition.split,
    metrics: evidence.metrics,
    parity: evidence.parity,
    evidence: {
      metrics: pair.files['metrics.json'] ?? '',
      parity: pair.files['parity.json'] ?? '',
      definition: pair.modelDefinition,
    },
    lineage: pair.lineage,
  };
}

export function formatCard(card: Card): string {
  const { metrics, parity, lineage, split } = card;
  const baselines = metrics.baselines.map(
    ({ name, value, difference: { point, low, high }, beats }) =>
      `| ${name} | ${value} | ${point} [${low}, ${high}] | ${beats ? 'yes' : 'no'} |`,
  );
  return [
    `# ${card.model}`,
    '',
    `Pair \`${card.pair}\`, owned by ${card.owner}. Contact: ${card.contact}.`,
    '',
    `- **Target**: ${card.target.description} (${card.target.unit})`,
    `- **Known when it predicts**: ${card.known}`,
    `- **Intended use**: ${card.intendedUse}`,
    `- **Out of scope**: ${card.outOfScope}`,
    `- **Limits**: ${card.limits}`,
    `- **Data**: ${card.dataSource}`,
    `- **Estimator**: ${card.estimator} on ${card.features.join(', ')}`,
    `- **Split by time**: trained on ${split.train.from} to ${split.train.to}, tested on ${split.test.from} to ${split.test.to}`,
    '',
    '## Evidence',
    '',
    `${metrics.metric} on the test days: ${metrics.value} ${metrics.unit} over ${metrics.testRows} rows (from \`${card.evidence.metrics}\`).`,
    '',
    '| baseline | its value | difference in mean squared error (interval) | beaten |',
    '| --- | --- | --- | --- |',
    ...baselines,
    '',
    `Parity of the export with the trained model: ${parity.rows} rows, largest difference ${parity.maxDifference}, tolerance ${parity.tolerance} (from \`${card.evidence.parity}\`).`,
    '',
    '## Lineage',
    '',
    `- dataset \`${lineage.dataset}\` (${lineage.datasetRows} rows, ${lineage.featureDays.from} to ${lineage.featureDays.to})`,
    `- features \`${lineage.featureDays.fingerprint}\``,
    `- training program \`${lineage.program}\``,
    `- definition \`${card.evidence.definition}\``,
    '',
  ].join('\n');
}
