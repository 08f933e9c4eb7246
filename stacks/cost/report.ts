import { shortDigest } from '@orrery/contracts/digest';
import { monthlyUsd, type Price, type PriceList } from '#infra/planning/prices.ts';
import type { Side } from '../change/side.ts';
import { table } from '../cli/table.ts';
import type { ComponentCost } from './by-component.ts';
import type { CostLine, Estimate, ResourceCost } from './estimate.ts';

export interface CostReport {
  readonly environment: string;
  readonly side: Side;
  readonly prices: PriceList;
  readonly estimate: Estimate;
  readonly components: readonly ComponentCost[];
}

/** The report for programs: amounts in USD a month. */
export function describeCost(report: CostReport): unknown {
  const { environment, side, estimate, components, prices } = report;
  return {
    schema: 1,
    environment,
    release: side.digest,
    binding: side.binding?.digest ?? null,
    prices: { list: side.release.prices.list, asOf: prices.asOf, currency: prices.currency },
    monthly: estimate.monthly,
    components: components.map(({ component, type, usd, mostUsd, estimatedUsd, drivers, metered, unpriced }) => ({
      component,
      type,
      usd,
      mostUsd,
      estimatedUsd,
      drivers: drivers.map(({ resource, lines }) => ({ type: resource.type, name: resource.name, lines })),
      byUse: metered.map(({ resource, keys }) => ({ type: resource.type, name: resource.name, keys })),
      unpriced: unpriced.map(({ resource }) => ({ type: resource.type, name: resource.name })),
    })),
    unitPrices: unitPricesOf(report),
  };
}

/** The report for people. */
export function formatCost(report: CostReport, detail: boolean): string {
  const { environment, side, estimate, components, prices } = report;
  const { usd, mostUsd, estimatedUsd } = estimate.monthly;
  const rows = components.filter(({ drivers }) => drivers.length > 0).map(rowOf);
  const share = usd === 0 ? 0 : Math.round((100 * estimatedUsd) / usd);
  return [
    `${environment} (${nameOf(side)}): ${dollars(usd)} a month as it stands, at most ${dollars(mostUsd)}; prices of ${prices.asOf}, ` +
      `${share} % of the sum rests on estimates`,
    '',
    table(['component', 'USD/month', 'at most', 'estimated', 'driven by'], [...rows, totalRow(estimate)]),
    ...section('by use, in no sum:', meteredLines(report)),
    ...section(
      'without a price, in no sum:',
      estimate.unpriced.map(({ resource }) => `${resource.name}  ${resource.type}`),
    ),
    ...(detail ? section('every line:', detailLines(components)) : []),
  ].join('\n');
}

/** What was summed up: a release, or the tree. */
function nameOf({ label, digest }: Side): string {
  return label === 'working tree' ? label : `release ${shortDigest(digest)}`;
}

function rowOf({ component, usd, mostUsd, estimatedUsd, drivers }: ComponentCost): string[] {
  const [dearest] = drivers;
  return [
    component,
    amount(usd),
    amount(mostUsd),
    amount(estimatedUsd),
    dearest === undefined ? '' : driverOf(dearest),
  ];
}

function totalRow({ monthly }: Estimate): string[] {
  return ['total', amount(monthly.usd), amount(monthly.mostUsd), amount(monthly.estimatedUsd), ''];
}

/** The dearest line of the dearest resource, in words: `3 to 6 x m7i.2xlarge on-demand`. */
function driverOf({ lines, resource }: ResourceCost): string {
  const [line] = lines.toSorted((left, right) => right.unitUsd * right.most - left.unitUsd * left.most);
  return line === undefined ? resource.name : `${lineInWords(line)} (${resource.name})`;
}

function lineInWords({ keys, least, most }: CostLine): string {
  const [first = ''] = keys;
  const what = first.split(':').filter((part, index) => index === 0 || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(part));
  const others = keys.length > 1 ? ` or ${keys.length - 1} more` : '';
  return `${least === most ? round(least) : `${round(least)} to ${round(most)}`} x ${what.join(' ')}${others}`;
}

function detailLines(components: readonly ComponentCost[]): string[] {
  return components.flatMap(({ component, drivers }) =>
    drivers.flatMap(({ resource, lines }) =>
      lines.map((line) => {
        const unit = `${dollars(line.unitUsd)} a month each${line.estimate ? ', an estimate' : ''}`;
        return `${component}  ${resource.name}: ${lineInWords(line)} at ${unit} = ${dollars(line.unitUsd * line.least)}`;
      }),
    ),
  );
}

/** One line a component and price, because ten buckets are billed alike. */
function meteredLines(report: CostReport): string[] {
  const prices = unitPricesOf(report);
  return report.components.flatMap(({ component, metered }) => {
    const keys = [...new Set(metered.flatMap((one) => one.keys))];
    return keys.map((key) => `${component}  ${key}: ${prices[key] ?? 'no price in the list'}`);
  });
}

/** What a unit of everything that is billed by use costs, in words; keys that the list lacks are left out. */
function unitPricesOf({ prices, estimate }: CostReport): Record<string, string> {
  const wanted = new Set(estimate.metered.flatMap(({ keys }) => keys));
  const found = prices.entries.filter(({ key }) => wanted.has(key));
  return Object.fromEntries(found.map((price) => [price.key, unitPrice(price)]));
}

function unitPrice(price: Price): string {
  const usd = price.unit === 'hour' ? (monthlyUsd(price, 1) ?? price.usd) : price.usd;
  const unit = { hour: 'month', million: 'million requests' }[price.unit as string] ?? price.unit;
  return `${usd} USD a ${unit}${price.estimate ? ', an estimate' : ''}`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map((line) => `  ${line}`)];
}

function dollars(usd: number): string {
  return `${amount(usd)} USD`;
}

function amount(usd: number): string {
  return usd.toFixed(2);
}

function round(quantity: number): string {
  return String(Math.round(quantity * 100) / 100);
}
