import type { CrossCheckProblem } from '@orrery/contracts/definition';
import { messageOf } from '@orrery/kit/errors';
import { closest } from 'fastest-levenshtein';
import { readClock, timezoneDefault } from './clock.ts';
import { isCron } from './types.ts';
import { Zone } from './zone.ts';

const patternHint =
  'minute hour day-of-month month day-of-week, for example "0 6 * * 1-5"; a field before them is seconds';

/** What is wrong with the cron triggers of a workflow: five or six fields, a zone that exists, a time that comes. */
export function checkSchedule(workflow: { readonly triggers: readonly object[] }, nowMs: number): CrossCheckProblem[] {
  return workflow.triggers.flatMap((trigger, index) => {
    if (!isCron(trigger)) return [];
    const { cron, timezone = timezoneDefault } = trigger;
    const path = (field: string) => ['triggers', index, field];
    if (!isTimezone(timezone)) {
      const hint = `did you mean "${closest(timezone, Intl.supportedValuesOf('timeZone'))}"?`;
      return [{ path: path('timezone'), message: `there is no time zone "${timezone}"`, hint }];
    }
    try {
      if (readClock(trigger).next(nowMs) !== undefined) return [];
      return [{ path: path('cron'), message: `"${cron}" never comes`, hint: patternHint }];
    } catch (error) {
      const message = `"${cron}" is no schedule: ${messageOf(error)}`;
      return [{ path: path('cron'), message, hint: patternHint }];
    }
  });
}

function isTimezone(name: string): boolean {
  try {
    new Zone(name);
    return true;
  } catch {
    return false;
  }
}
