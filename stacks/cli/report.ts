import { shortDigest, type Digest } from '@orrery/contracts/digest';
import type { Scored } from '../local/main-job.ts';
import { isReused } from './run-progress.ts';
import { table } from './table.ts';
import { seconds, type RunView } from './run-view.ts';

interface IngestResult {
  readonly read: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly rejects: readonly { readonly kind: string; readonly rows: number }[];
}

/** What training measured, as the registry took it over. */
export interface Registered {
  readonly pair: Digest;
  readonly stage: string;
  readonly metrics: {
    readonly metric: string;
    readonly value: number;
    readonly unit: string;
    readonly baselines: readonly {
      readonly name: string;
      readonly value: number;
      readonly difference: { readonly point: number; readonly low: number; readonly high: number };
      readonly beats: boolean;
    }[];
  };
  readonly parity: { readonly rows: number; readonly maxDifference: number; readonly tolerance: number };
}

/** The report that ends the main job. `fellShort` names what did not hold; empty when all did. */
export interface Report {
  readonly release: Digest;
  readonly run: string;
  readonly rows: IngestResult;
  readonly target: string;
  readonly known: string;
  readonly registered: Registered;
  readonly scored: Scored;
  readonly batchRows: number;
  readonly stages: readonly { readonly name: string; readonly seconds: number; readonly reused: boolean }[];
  readonly secondsInAll: number;
  readonly fellShort: readonly string[];
}

export function buildReport(view: RunView, scored: Scored, secondsInAll: number): Report {
  const result = (name: string): unknown => view.steps.find((step) => step.name === name)?.result ?? {};
  const rows = result('ingest') as IngestResult;
  const registered = result('register') as Registered;
  const { definition } = result('model') as { definition: { target: { description: string }; known: string } };
  const stages = view.steps.map((step) => ({
    name: step.name,
    seconds: Number(seconds(step)),
    reused: isReused(step),
  }));
  const report = {
    release: scored.release,
    run: view.run,
    rows,
    target: definition.target.description,
    known: definition.known,
    registered,
    scored,
    batchRows: (result('score') as { rows: number }).rows,
    stages,
    secondsInAll,
  };
  return { ...report, fellShort: shortfalls(report) };
}

function shortfalls(report: Omit<Report, 'fellShort'>): string[] {
  const { rows, registered, scored } = report;
  const unaccounted = rows.read - rows.accepted - rows.rejected;
  const unbeaten = registered.metrics.baselines.filter((baseline) => !baseline.beats).map((baseline) => baseline.name);
  return [
    ...(unaccounted === 0 ? [] : [`${unaccounted} rows are neither accepted nor rejected`]),
    ...(unbeaten.length === 0 ? [] : [`the model does not beat ${unbeaten.join(', ')}`]),
    ...(registered.parity.maxDifference <= registered.parity.tolerance
      ? []
      : ['the export differs from the trained model']),
    ...(scored.pair === registered.pair ? [] : [`${shortDigest(scored.pair)} answers, not the pair of this run`]),
    ...(scored.samples.every((sample) => Number.isFinite(sample.prediction)) ? [] : ['a sample has no prediction']),
  ];
}

export function formatReport(report: Report, state: string): string {
  const { rows, registered, scored } = report;
  const { metrics, parity } = registered;
  const count = (value: number) => value.toLocaleString('en-US');
  const baselines = metrics.baselines.map((one) => {
    const { point, low, high } = one.difference;
    const interval = `${point.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
    return [one.name, one.value.toFixed(2), interval, one.beats ? 'beaten' : 'NOT beaten'];
  });
  const samples = scored.samples.map(({ row, prediction }) => [
    `${String(row['origin'])} -> ${String(row['destination'])}`,
    `${String(row['day'])} ${String(row['scheduled_hour']).padStart(2, '0')}:00`,
    `${prediction} ${scored.unit}`,
  ]);
  const stages = report.stages.map((stage) => [stage.name, stage.seconds.toFixed(1), stage.reused ? 'reused' : '']);
  return [
    '',
    `release     ${report.release}`,
    `rows        ${count(rows.read)} read = ${count(rows.accepted)} accepted + ${count(rows.rejected)} rejected`,
    `rejected    ${rows.rejects.map((reject) => `${reject.kind} ${reject.rows}`).join(', ') || 'none'}`,
    `target      ${report.target}`,
    `known       ${report.known}`,
    `model       ${metrics.metric} ${metrics.value.toFixed(2)} ${metrics.unit} on days it has not seen; pair ${shortDigest(registered.pair)}`,
    '',
    table(['  baseline', metrics.metric, 'mean squared error, model - baseline', ''], baselines.map(indent)),
    '',
    `parity      ${count(parity.rows)} rows, largest difference ${parity.maxDifference} (tolerance ${parity.tolerance}), checked again at load`,
    `scored      ${count(report.batchRows)} flights of the last day by the batch; live over HTTP:`,
    table(['  flight', 'scheduled departure', 'predicted arrival delay'], samples.map(indent)),
    '',
    table(['  stage', 'seconds', ''], [...stages.map(indent), ['  in all', report.secondsInAll.toFixed(1), '']]),
    '',
    ...(report.fellShort.length === 0 ? [] : [`FELL SHORT: ${report.fellShort.join('; ')}`, '']),
    'look next   npx orrery status | release show | runs | logs scoring | rollback local --list',
    `            npx orrery show ${report.run}; everything of this machine lies in ${state}`,
  ].join('\n');
}

function indent(row: readonly string[]): string[] {
  return row.map((cell, index) => (index === 0 ? `  ${cell}` : cell));
}
