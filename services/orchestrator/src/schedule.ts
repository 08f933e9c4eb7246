import { messageOf } from '@orrery/kit/errors';
import type { Trigger, Workflow } from '@orrery/contracts/definitions/workflow';
import type { CrossCheckProblem } from '@orrery/contracts/definition';
import { Cron } from 'croner';

export type CronTrigger = Extract<Trigger, { cron: string }>;

/** The zone of a cron trigger that names none: the same on every machine. */
const timezoneDefault = 'UTC';

/** The name under which it is remembered when a trigger last fired. */
export function cronName(trigger: CronTrigger): string {
  return `${trigger.cron} ${trigger.timezone ?? timezoneDefault}`;
}

export function cronTriggers(workflow: Workflow): CronTrigger[] {
  return workflow.triggers.filter((trigger) => 'cron' in trigger);
}

/** The latest time, at most `nowMs`, for which the trigger fires; undefined when there is none. */
export function lastDueMs(trigger: CronTrigger, nowMs: number): number | undefined {
  // The reference itself is not among the previous times.
  return open(trigger)
    .previousRuns(1, new Date(nowMs + 1))[0]
    ?.getTime();
}

/** What is wrong with the cron triggers of a workflow: five or six fields, a zone that exists, a time that comes. */
export function checkSchedule(workflow: Workflow, nowMs: number): CrossCheckProblem[] {
  return workflow.triggers.flatMap((trigger, index) => {
    if (!('cron' in trigger)) return [];
    const path = ['triggers', index];
    if (!isTimezone(trigger.timezone ?? timezoneDefault)) {
      const message = `there is no time zone "${trigger.timezone ?? ''}"`;
      return [{ path: [...path, 'timezone'], message, hint: 'name one of the IANA zones, for example Europe/Berlin' }];
    }
    const hint =
      'minute hour day-of-month month day-of-week, for example "0 6 * * 1-5"; a field before them is seconds';
    try {
      if (open(trigger).nextRun(new Date(nowMs)) !== null) return [];
      return [{ path: [...path, 'cron'], message: `"${trigger.cron}" never comes`, hint }];
    } catch (error) {
      return [{ path: [...path, 'cron'], message: `"${trigger.cron}" is no schedule: ${messageOf(error)}`, hint }];
    }
  });
}

function open(trigger: CronTrigger): Cron {
  return new Cron(trigger.cron, {
    timezone: trigger.timezone ?? timezoneDefault,
    paused: true,
    mode: '5-or-6-parts',
  });
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
