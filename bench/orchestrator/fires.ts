import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from './engines/types.ts';
import type { Fire } from './work.ts';
import type { Schedules } from './workloads.ts';

export interface FiresWatch {
  /** All that was told so far. */
  readonly fires: () => readonly Fire[];
  /** Ends one process by kill -9 and puts another in its place. */
  readonly kill: (place: number) => Promise<void>;
  /** How long after the window a fire is still waited for. */
  readonly patienceMs: number;
}

/** Far enough ahead that what was defined last has its first time inside the window. */
const aheadMs = 3000;
const lookMs = 100;

/** Watches one window in which each schedule has exactly one logical time, and kills meanwhile. */
export async function watchFires(
  workload: Schedules,
  { fires, kill, patienceMs }: FiresWatch,
): Promise<{ readonly lags: readonly number[]; readonly checks: readonly Check[] }> {
  const { everySeconds, killEveryMs, orchestrators } = workload;
  const periodMs = everySeconds * 1000;
  const fromMs = Math.ceil((Date.now() + aheadMs) / periodMs) * periodMs;
  const untilMs = fromMs + periodMs;
  await sleep(fromMs - Date.now());
  let kills = 0;
  for (let atMs = fromMs + killEveryMs; atMs < untilMs; atMs += killEveryMs) {
    await sleep(Math.max(0, atMs - Date.now()));
    await kill(Math.floor(Math.random() * orchestrators));
    kills += 1;
  }
  let judged = judgeFires(fires(), { fromMs, untilMs });
  while (judged.lags.length < workload.schedules && Date.now() < untilMs + patienceMs) {
    await sleep(lookMs);
    judged = judgeFires(fires(), { fromMs, untilMs });
  }
  // One that fires a second time does so after the first: leave it the time.
  await sleep(aheadMs);
  const { lags, twice } = judgeFires(fires(), { fromMs, untilMs });
  return {
    lags,
    checks: [
      {
        what: `each schedule fired, over ${kills} kills`,
        holds: lags.length === workload.schedules,
        found: `${lags.length} of ${workload.schedules}`,
      },
      { what: 'none was carried out twice', holds: twice === 0, found: `${twice} twice` },
    ],
  };
}

/** The lag of the first execution of each (schedule, logical time) of the window, and how many had more than one. */
export function judgeFires(
  fires: readonly Fire[],
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): { readonly lags: number[]; readonly twice: number } {
  const lags = new Map<string, number>();
  let twice = 0;
  for (const { schedule, logicalMs, lagMs } of fires) {
    if (logicalMs < fromMs || logicalMs >= untilMs) continue;
    const name = `${schedule}@${logicalMs}`;
    const earlier = lags.get(name);
    if (earlier !== undefined) twice += 1;
    lags.set(name, Math.min(lagMs, earlier ?? lagMs));
  }
  return { lags: [...lags.values()], twice };
}
