/**
 * Wall-clock times without a zone, as seconds since 1970 counted as if they were UTC, and days as days since 1970. Data that
 * carries local times has no zone to convert from, so none is ever applied.
 */
export const secondsPerDay = 86_400;

const timestampPattern = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?$/;
const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;

/** Seconds of `2001-06-15T17:30[:00[.000]]`, fractions cut off; undefined for what is no such time in the calendar. */
export function parseTimestamp(text: string): number | undefined {
  const match = timestampPattern.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part || 0));
  const days = daysOf(year, month, day);
  if (days === undefined || hour > 23 || minute > 59 || second > 59) return undefined;
  return days * secondsPerDay + hour * 3600 + minute * 60 + second;
}

/** Days since 1970 of `2001-06-15`; undefined for what is no day in the calendar. */
export function parseDay(text: string): number | undefined {
  const match = dayPattern.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  return daysOf(year, month, day);
}

/** `2001-06-15` of days since 1970. */
export function formatDay(days: number): string {
  return new Date(days * secondsPerDay * 1000).toISOString().slice(0, 10);
}

/** `2001-06-15T17:30:00` of seconds since 1970. */
export function formatTimestamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}

function daysOf(year: number, month: number, day: number): number | undefined {
  const time = Date.UTC(year, month - 1, day);
  const date = new Date(time);
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real ? time / 1000 / secondsPerDay : undefined;
}
