import { shortDigest } from '@orrery/contracts/digest';
import type { Side } from '../change/side.ts';
import { table } from '../cli/table.ts';
import type { ComponentCost } from './by-component.ts';
import type { CostLine, Estimate, ResourceCost } from './estimate.ts';
import type { NodeDemand } from './node-demand.ts';
import type { PodRequest } from './pod-requests.ts';
import { unitPricesOf, type CostReport } from './report.ts';
import { amount, keyInWords, lineInWords } from './wording.ts';

/** Billed, and nobody's resource. */
const neverHere = 'traffic between zones and to the internet, support, taxes and discounts';

/** The report for people. */
export function formatCost(report: CostReport, detail: boolean): string {
  const { environment, side, estimate, components, region } = report;
  const name = `${environment} (${nameOf(side)})`;
  if (region === undefined && components.length === 0) return `${name}: ${elsewhere(report)}`;
  const rows = components.filter(({ drivers }) => drivers.length > 0);
  return [
    `${name}: ${headline(report)}`,
    ...(rows.length === 0 ? [] : ['', costTable(rows, estimate)]),
    ...section('nodes for what pods ask for:', nodeLines(report)),
    ...section('billed by use, in no sum:', meteredLines(report)),
    ...section('without a price, in no sum:', unpricedLines(estimate)),
    ...(detail ? section('every line:', detailLines(components)) : []),
    '',
    `never in a sum: ${neverHere}`,
  ].join('\n');
}

function headline({ estimate, prices }: CostReport): string {
  const { usd, mostUsd, estimatedUsd } = estimate.monthly;
  const share = usd === 0 ? 0 : Math.round((100 * estimatedUsd) / usd);
  const sum = `${dollars(usd)} a month at the least size, ${dollars(mostUsd)} at the most that it may grow to`;
  return `${sum}; prices of ${prices.asOf}, ${share} % of the least rests on estimates`;
}

/** For an environment on a cluster that is there: no cloud is asked for, so no price list has it. */
function elsewhere({ asked }: CostReport): string {
  if (asked.pods === 0 && asked.charts === 0) return 'asks for nothing that is billed';
  const volumes = asked.volumesGiB === 0 ? '' : ` and ${amount(asked.volumesGiB)} GiB of volumes`;
  return (
    'nothing of it is on a bill that we know: it runs on a cluster that is there. ' +
    `Its ${asked.pods} pods ask that cluster for ${requestInWords(asked)}${volumes}${withoutCharts(asked.charts)}`
  );
}

/** What was summed up: a release, or the tree. */
function nameOf({ label, digest }: Side): string {
  return label === 'working tree' ? label : `release ${shortDigest(digest)}`;
}

function costTable(components: readonly ComponentCost[], { monthly }: Estimate): string {
  const rows = components.map(({ component, usd, mostUsd, estimatedUsd, drivers }) => [
    component,
    ...[usd, mostUsd, estimatedUsd].map(money),
    driverOf(drivers),
  ]);
  const total = ['total', ...[monthly.usd, monthly.mostUsd, monthly.estimatedUsd].map(money), ''];
  const head = ['component', 'least USD', 'most USD', 'estimated', 'driven by'];
  const all = [head, ...rows, total];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const isAmount = (column: number) => column > 0 && column < 4;
  const [first = [], ...rest] = all.map((row) =>
    row.map((cell, column) => (isAmount(column) ? cell.padStart(widths[column] ?? 0) : cell)),
  );
  return table(first, rest);
}

/** What most of it goes to, of equal things all together, and how many other things are billed. */
function driverOf(drivers: readonly ResourceCost[]): string {
  const [dearest, ...others] = alike(drivers.flatMap(({ lines }) => lines)).toSorted(
    (left, right) => dearness(right) - dearness(left),
  );
  if (dearest === undefined) return '';
  return `${lineInWords(dearest)}${others.length > 0 ? `, ${others.length} more` : ''}`;
}

/** Twelve endpoints of three zones are 36 of one thing. */
function alike(lines: readonly CostLine[]): CostLine[] {
  const byKeys = new Map<string, CostLine>();
  for (const line of lines) {
    const keys = line.keys.join(' ');
    const { least = 0, most = 0 } = byKeys.get(keys) ?? {};
    byKeys.set(keys, { ...line, least: least + line.least, most: most + line.most });
  }
  return [...byKeys.values()];
}

function dearness({ unitUsd, least, most }: CostLine): number {
  return unitUsd * Math.max(least, most);
}

function nodeLines({ nodes, asked }: CostReport): string[] {
  if (nodes.length === 0) return [];
  const lines = nodes.map((one) => `${one.pool.name}: ${nodesInWords(one)}`);
  return [...lines, `each node as the mean of its pool's types${withoutCharts(asked.charts)}`];
}

function nodesInWords({ least, most, asked, pods, request }: NodeDemand): string {
  const range = `${amount(least)} of at most ${amount(most)} nodes`;
  if (pods === 0) return `${range}, no pod stands there at the least size`;
  const beyond = asked > most ? `; they would need ${Number.isFinite(asked) ? asked : 'larger'}, the rest waits` : '';
  return `${range}, ${pods} pods ask for ${requestInWords(request)}${beyond}`;
}

function requestInWords({ cores, memoryGiB, gpus }: PodRequest): string {
  const parts = [`${amount(cores)} cores`, `${amount(memoryGiB)} GiB of memory`];
  return [...parts, ...(gpus === 0 ? [] : [`${amount(gpus)} GPUs`])].join(', ');
}

function withoutCharts(charts: number): string {
  return charts === 0
    ? ''
    : `; what jobs and the pods of ${charts} ${charts === 1 ? 'chart' : 'charts'} ask for is not counted`;
}

/** One line a price, because ten buckets are billed alike. */
function meteredLines(report: CostReport): string[] {
  const prices = unitPricesOf(report);
  const keys = [...new Set(report.estimate.metered.flatMap((one) => one.keys))];
  const rows = keys
    .map((key) => {
      const users = report.components.filter(({ metered }) => metered.some((one) => one.keys.includes(key)));
      const names = users.map(({ component }) => component).toSorted();
      return [keyInWords(key), prices[key] ?? 'no price in the list', names.join(', ')];
    })
    .toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1));
  const [first, ...rest] = rows;
  return first === undefined ? [] : table(first, rest).split('\n');
}

function unpricedLines({ unpriced }: Estimate): string[] {
  return unpriced.map(({ resource, charging }) => {
    const keys = typeof charging === 'string' ? [] : charging.charges.flatMap((charge) => charge.keys);
    return `${resource.name}  ${resource.type}${keys.length === 0 ? '' : `  needs ${keys.join(', ')}`}`;
  });
}

function detailLines(components: readonly ComponentCost[]): string[] {
  return components.flatMap(({ component, drivers }) =>
    drivers.flatMap(({ resource, lines }) =>
      lines.map((line) => {
        const unit = `${dollars(line.unitUsd)} a month each${line.estimate ? ', an estimate' : ''}`;
        const { least, most, unitUsd } = line;
        const range = least === most ? '' : ` to ${dollars(unitUsd * most)}`;
        return `${component}  ${resource.name}: ${lineInWords(line)} at ${unit} = ${dollars(unitUsd * least)}${range}`;
      }),
    ),
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function dollars(usd: number): string {
  return `${money(usd)} USD`;
}

function money(usd: number): string {
  return usd.toFixed(2);
}
