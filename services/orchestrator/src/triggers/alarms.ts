import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { catchUpDefault } from './catch-up.ts';
import { clockKey } from './clock.ts';
import { Dial } from './dial.ts';
import { triggerNames } from './identity.ts';
import {
  isClock,
  type CatchUp,
  type ClockTrigger,
  type Overlap,
  type TriggeredWorkflow,
  type TriggerPlace,
} from './types.ts';

/** A clocked trigger of a workflow, and how far it is decided. */
export interface Alarm {
  readonly key: string;
  readonly place: TriggerPlace;
  readonly dial: Dial;
  readonly catchUp: CatchUp;
  readonly overlap: Overlap;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The last logical time that is decided, as far as this process knows. */
  settledMs: number;
  /** It is looked at again at a time of its own, so its dial passes it over. */
  armed: boolean;
}

export interface AlarmsOptions {
  /** Those of before, by key: they go on where they were. */
  readonly known: ReadonlyMap<string, Alarm>;
  /** Where a trigger begins that has never fired. */
  readonly seenMs: number;
  readonly log: Log;
}

/** Reading a pattern costs some 0.1 ms: ten thousand in one piece would hold up everything else for a second. */
const atOnceMax = 100;

/** The clocked triggers of all workflows, by key. Triggers that are due at the same times share a dial. */
export async function readAlarms(
  workflows: readonly TriggeredWorkflow[],
  { known, seenMs, log }: AlarmsOptions,
): Promise<Map<string, Alarm>> {
  const dials = new Map([...known.values()].map(({ place, dial }) => [dialKeyOf(place.trigger), dial]));
  const alarms = new Map<string, Alarm>();
  for (const { tenant, name: workflow, triggers } of workflows) {
    const names = triggerNames(triggers);
    for (const [index, trigger] of triggers.entries()) {
      if (!isClock(trigger)) continue;
      const place = { tenant, workflow, trigger: names[index] ?? clockKey(trigger) };
      const dial = dialFor(trigger, { dials, seenMs, log, place });
      if (dial === undefined) continue;
      const key = `${tenant}/${workflow}/${place.trigger}`;
      alarms.set(key, {
        ...{ key, place, dial, armed: false },
        catchUp: { ...catchUpDefault, ...trigger.catchUp },
        overlap: trigger.overlap ?? 'queue',
        parameters: trigger.parameters ?? {},
        settledMs: known.get(key)?.settledMs ?? seenMs,
      });
      if (alarms.size % atOnceMax === 0) await yieldToOthers();
    }
  }
  return alarms;
}

function dialFor(
  trigger: ClockTrigger,
  parts: { dials: Map<string, Dial>; seenMs: number; log: Log; place: TriggerPlace },
): Dial | undefined {
  const { dials, seenMs, log, place } = parts;
  const key = clockKey(trigger);
  const kept = dials.get(key);
  if (kept !== undefined) return kept;
  try {
    const dial = new Dial(trigger, seenMs);
    dials.set(key, dial);
    return dial;
  } catch (error) {
    // Definitions are checked before they come here; one that slips through must not stop the others.
    log.error({ ...place, reason: messageOf(error) }, 'a clocked trigger can not be read and does not fire');
    return undefined;
  }
}

/** A second trigger of a workflow on the same times has a number at the end of its name. */
function dialKeyOf(trigger: string): string {
  return trigger.replace(/ #\d+$/, '');
}
