import { columnBounds } from '@orrery/contracts/definitions/pipeline-columns';
import type { Column } from '@orrery/contracts/definitions/pipeline';
import { formatDay, formatTimestamp, parseDay, parseTimestamp } from '@orrery/contracts/definitions/wall-time';
import { Fault, type Value } from './batch.ts';

/** How a file carries times and days: as text that people write, or as numbers that its format types. */
export type TimeForm = 'text' | 'number';

export type ValueCheck = (value: unknown) => Value | Fault;

const stringLengthMax = 10_000;

/** The check of one column of a contract. It answers the value to keep, or what is wrong with it. */
export function createValueCheck(name: string, column: Column, times: TimeForm): ValueCheck {
  const check = createTypedCheck(name, column, times);
  const optional = column.required === false;
  return (value) => {
    if (value !== undefined && value !== null) return check(value);
    if (optional) return null;
    const reason = value === undefined ? `the row has no "${name}"` : `"${name}" is null`;
    return new Fault('missing_column', name, value, reason);
  };
}

function createTypedCheck(name: string, column: Column, times: TimeForm): ValueCheck {
  switch (column.type) {
    case 'string':
      return createStringCheck(name, column.pattern);
    case 'integer':
      return createNumberCheck(name, column, {
        is: Number.isSafeInteger,
        kind: 'not_an_integer',
        reason: `"${name}" is no whole number`,
      });
    case 'number':
      return createNumberCheck(name, column, {
        is: Number.isFinite,
        kind: 'not_a_number',
        reason: `"${name}" is no number`,
      });
    case 'timestamp':
    case 'day':
      return createTimeCheck(name, column, times);
  }
}

function createStringCheck(name: string, pattern: string | undefined): ValueCheck {
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  return (value) => {
    if (typeof value !== 'string') return new Fault('not_a_string', name, value, `"${name}" is no text`);
    if (value.length > stringLengthMax) {
      const reason = `"${name}" has ${value.length} characters, at most ${stringLengthMax} are taken`;
      return new Fault('string_too_long', name, value, reason);
    }
    if (expression === undefined || expression.test(value)) return value;
    return new Fault('pattern_mismatch', name, value, `"${name}" does not fit ${expression.source}`);
  };
}

function createNumberCheck(
  name: string,
  column: Column,
  wanted: { is: (value: unknown) => boolean; kind: string; reason: string },
): ValueCheck {
  const [minimum = -Infinity, maximum = Infinity] = columnBounds(column);
  return (value) => {
    if (typeof value !== 'number' || !wanted.is(value)) return new Fault(wanted.kind, name, value, wanted.reason);
    if (value >= minimum && value <= maximum) return value;
    return new Fault(
      'out_of_range',
      name,
      value,
      rangeReason(name, value < minimum, String(value < minimum ? minimum : maximum)),
    );
  };
}

function createTimeCheck(name: string, column: Column, times: TimeForm): ValueCheck {
  const isDay = column.type === 'day';
  const [parse, format] = isDay ? [parseDay, formatDay] : [parseTimestamp, formatTimestamp];
  const [kind, example] = isDay ? ['not_a_day', '2001-06-15'] : ['not_a_timestamp', '2001-06-15T17:30'];
  const [minimum = -Infinity, maximum = Infinity] = columnBounds(column);
  return (value) => {
    const time = times === 'number' ? value : typeof value === 'string' ? parse(value) : undefined;
    if (typeof time !== 'number' || !Number.isFinite(time)) {
      return new Fault(kind, name, value, `"${name}" is no time of the calendar written like ${example}`);
    }
    if (time >= minimum && time <= maximum) return time;
    const shown = times === 'number' ? format(time) : value;
    return new Fault(
      'out_of_range',
      name,
      shown,
      rangeReason(name, time < minimum, format(time < minimum ? minimum : maximum)),
    );
  };
}

function rangeReason(name: string, under: boolean, bound: string): string {
  return under
    ? `"${name}" is below ${bound}, the least that is taken`
    : `"${name}" is above ${bound}, the most that is taken`;
}
