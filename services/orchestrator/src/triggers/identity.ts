import { createHash } from 'node:crypto';
import { clockKey } from './clock.ts';
import { isClock, type Trigger, type TriggerPlace } from './types.ts';

const timeLength = 9;
const hashLength = 13;
const logicalMsMax = 36 ** timeLength - 1;

/**
 * The name of the run that a trigger starts for a logical time: the same whoever fires it, so that it is made once. It sorts by that
 * time as the names of other runs sort by theirs.
 */
export function triggeredRunName(
  shard: string,
  { tenant, workflow, trigger, logicalMs }: TriggerPlace & { readonly logicalMs: number },
): string {
  if (!Number.isInteger(logicalMs) || logicalMs < 0 || logicalMs > logicalMsMax) {
    throw new RangeError(`the logical time ${logicalMs} of ${tenant}/${workflow} lies outside 0 to ${logicalMsMax} ms`);
  }
  const place = createHash('sha256').update(`${tenant}/${workflow}/${trigger}`).digest('hex');
  // 36^13 is a little more than 2^67, so the top 67 bits of the hash always fit.
  const hash = (BigInt(`0x${place.slice(0, 17)}`) >> 1n).toString(36).padStart(hashLength, '0');
  return `${shard}-${logicalMs.toString(36).padStart(timeLength, '0')}${hash}`;
}

/**
 * What each trigger of a workflow is remembered by: what it fires on, not where it stands in the list, so that moving it fires
 * nothing twice. A second one that fires on the same gets `#2`. A manual one has the name `manual`.
 */
export function triggerNames(triggers: readonly Trigger[]): string[] {
  const seen = new Map<string, number>();
  return triggers.map((trigger) => {
    const name = nameOf(trigger);
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} #${count}`;
  });
}

/** Within the watermarks of a tenant. */
export function watermarkField({ workflow, trigger }: Omit<TriggerPlace, 'tenant'>): string {
  return `${workflow}|${trigger}`;
}

/** A happening by its own id, as the part of the trigger in a run's name: each starts its own run, at whatever time it happened. */
export function triggerOfHappening(trigger: string, id: string): string {
  return `${trigger}\n${id}`;
}

function nameOf(trigger: Trigger): string {
  if (isClock(trigger)) return clockKey(trigger);
  if ('event' in trigger)
    return trigger.key === undefined ? `event ${trigger.event}` : `event ${trigger.event} ${trigger.key}`;
  if ('webhook' in trigger) return `webhook ${trigger.webhook}`;
  if ('workflow' in trigger) return `workflow ${trigger.workflow} ${trigger.on ?? 'succeeded'}`;
  if ('dataset' in trigger) {
    const names = [trigger.dataset].flat().toSorted().join(' ');
    return trigger.olderThanSeconds === undefined
      ? `dataset ${names}`
      : `dataset ${names} >${trigger.olderThanSeconds}`;
  }
  return 'manual';
}

/** Who starts the runs of a trigger: the kind of the trigger, the first word of its name. */
export function actorOf(trigger: string): string {
  return trigger.split(' ', 1)[0] ?? trigger;
}
