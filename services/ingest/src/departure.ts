import type { PipelineStep } from '@orrery/contracts/definitions/pipeline';
import { secondsPerDay } from '@orrery/contracts/definitions/wall-time';
import { columnOf, type Batch, type Stage, type Value } from './batch.ts';

type Settings = Extract<PipelineStep, { uses: 'plan-departure' }>['with'];

/**
 * Reconstructs the day and hour in which a flight was to leave, as departure - delay. The actual departure holds the delay: a feature
 * made from it would know what it is asked to foretell.
 */
export function createDeparturePlan(settings: Settings): Stage {
  return (batch) => {
    const departures = columnOf(batch, settings.departure);
    const delays = columnOf(batch, settings.delayMinutes);
    const days = new Array<Value>(departures.length);
    const hours = new Array<Value>(departures.length);
    for (let row = 0; row < departures.length; row += 1) {
      const planned = Number(departures[row]) - Number(delays[row]) * 60;
      const day = Math.floor(planned / secondsPerDay);
      days[row] = day;
      hours[row] = Math.floor((planned - day * secondsPerDay) / 3600);
    }
    const columns = new Map(batch.columns).set('day', days).set('scheduled_hour', hours);
    const planned: Batch = { raw: batch.raw, positions: batch.positions, columns };
    return { batch: planned, rejects: [] };
  };
}
