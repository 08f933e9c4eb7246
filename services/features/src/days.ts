import { formatDay, parseDay } from '@orrery/contracts/definitions/wall-time';
import { dayInvalid } from './errors.ts';

/** `2001-06-15` as days since 1970. Throws `DAY_INVALID` for what is in no calendar or before 1971. */
export function dayNumber(text: string, where: string): number {
  const day = parseDay(text);
  if (day === undefined || day < firstDay) throw dayInvalid(text, where);
  return day;
}

/** Windows of the longest kind still begin after 1970, where the database's days begin. */
const firstDay = 402;

/** Every day from the first to the last, both included. */
export function daysBetween(from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => formatDay(from + index));
}

/** The day `days` later (or earlier), as text. */
export function shiftDay(day: string, days: number): string {
  return formatDay((parseDay(day) ?? 0) + days);
}

/** The months (200106) that a span of days touches. */
export function monthsBetween(from: string, to: string): number[] {
  const months: number[] = [];
  let [year = 0, month = 0] = from.split('-').map(Number);
  const last = monthOf(to);
  while (year * 100 + month <= last) {
    months.push(year * 100 + month);
    month = month === 12 ? 1 : month + 1;
    if (month === 1) year += 1;
  }
  return months;
}

function monthOf(day: string): number {
  const [year = 0, month = 0] = day.split('-').map(Number);
  return year * 100 + month;
}
