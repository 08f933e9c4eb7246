import { PlanError } from '../errors.ts';

/** What one unit of one thing costs, before taxes and discounts. */
export interface Price {
  /** For example `ec2:eu-west-1:t3.large:on-demand`, `elasticache:eu-west-1:cache.t4g.micro` or `aws:eks/cluster`. */
  readonly key: string;
  readonly unit: PriceUnit;
  readonly usd: number;
  /** Where the price was seen, or how it was reckoned. */
  readonly source: string;
  /** The day it was seen, YYYY-MM-DD. */
  readonly date: string;
  /** True where nobody has looked it up at its seller's. */
  readonly estimate: boolean;
}

/** `GiB` is traffic or intake, `million` requests and `each` one thing done, billed once; the others for as long as the thing stands. */
export type PriceUnit = 'hour' | 'month' | 'GiB-month' | 'GiB' | 'million' | 'each';

export interface PriceList {
  readonly schema: 1;
  /** YYYY-MM-DD. */
  readonly asOf: string;
  readonly currency: 'USD';
  /** Sorted by key. */
  readonly entries: readonly Price[];
}

/** Hours by which AWS reckons a month. */
export const hoursOfMonth = 730;

const units: readonly string[] = [
  'hour',
  'month',
  'GiB-month',
  'GiB',
  'million',
  'each',
] satisfies readonly PriceUnit[];
const day = /^\d{4}-\d{2}-\d{2}$/;

/** Reads a list, for example the object that a release names. Throws `PRICES_INVALID`, naming the entry that is none. */
export function parsePrices(text: string): PriceList {
  const list = JSON.parse(text) as Partial<PriceList>;
  const { schema, asOf = '', currency, entries } = list;
  if (schema !== 1 || currency !== 'USD' || !day.test(asOf) || !Array.isArray(entries)) {
    throw refuse('the price list has another form', 'it is {schema: 1, asOf, currency: "USD", entries}');
  }
  let before = '';
  for (const entry of entries as readonly Partial<Price>[]) {
    const { key = '', unit = '', usd = -1, source = '', date = '', estimate } = entry;
    const sound = units.includes(unit) && usd >= 0 && source !== '' && day.test(date) && typeof estimate === 'boolean';
    if (!sound) throw refuse(`the price "${key}" lacks its unit, amount, source, date or estimate`, 'complete it');
    if (key <= before) throw refuse(`the price "${key}" stands after "${before}"`, 'sort by key, each key once');
    before = key;
  }
  return list as PriceList;
}

/** What a thing costs in a month of all its hours; undefined for what is billed once. */
export function monthlyUsd(price: Price, quantity: number): number | undefined {
  if (price.unit === 'GiB' || price.unit === 'million' || price.unit === 'each') return undefined;
  return price.usd * quantity * (price.unit === 'hour' ? hoursOfMonth : 1);
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'PRICES_INVALID', message, hint });
}
