import { progressBytesMax, refused, type GivenBeat } from './frames.ts';
import type { Line } from './line.ts';
import type { Beat, Lease } from './types.ts';

/** Throws `PROGRESS_TOO_LARGE`. */
export function assertProgress(beats: readonly GivenBeat[]): void {
  for (const { progress } of beats) {
    const bytes = progress === undefined ? 0 : Buffer.byteLength(JSON.stringify(progress));
    if (bytes > progressBytesMax) {
      const hint = 'report a number or a short text; what is large belongs into the result or the store';
      throw refused('PROGRESS_TOO_LARGE', `a progress has ${bytes} bytes, the bound is ${progressBytesMax}`, hint);
    }
  }
}

/** Renews leases, each by the line that gave it; what no line of this worker gave counts as lost. */
export async function renew(
  beats: readonly GivenBeat[],
  lineOf: (lease: Lease) => Line | Promise<Line | undefined>,
): Promise<{ lost: Lease[]; stop: Lease[] }> {
  const groups = new Map<Line, Beat[]>();
  const lost: Lease[] = [];
  const stop: Lease[] = [];
  for (const { run, ref, fence, dueMs, progress } of beats) {
    const lease = { run, ref, fence };
    const line = await lineOf(lease);
    if (line === undefined) {
      lost.push(lease);
      continue;
    }
    const group = groups.get(line) ?? [];
    group.push({ ...lease, dueMs, ...(progress === undefined ? {} : { progress: JSON.stringify(progress) }) });
    groups.set(line, group);
  }
  for (const [line, group] of groups) {
    const codes = await line.port.beat(group);
    for (const [index, { run, ref, fence }] of group.entries()) {
      if (codes[index] === 1) continue;
      (codes[index] === 2 ? stop : lost).push({ run, ref, fence });
    }
  }
  return { lost, stop };
}
