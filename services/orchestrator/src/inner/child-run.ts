import { createHash } from 'node:crypto';
import { shardOfRun } from '../core/keys.ts';

const digits = 20;
const timeDigits = 9;

/**
 * The name of the run that a step starts: the same whoever tries, so that a step that is taken up again after its orchestrator died
 * finds the run that was started. `turn` sets tries apart that are to start another run. It stands beside its parent where names
 * are sorted.
 */
export function childRunName(parent: string, ref: string, turn: number): string {
  const shard = shardOfRun(parent) ?? '';
  const time = parent.slice(shard.length + 1, shard.length + 1 + timeDigits);
  const hash = createHash('sha256').update(`${parent}|${ref}|${turn}`).digest('hex').slice(0, 24);
  return `${shard}-${time}${BigInt(`0x${hash}`).toString(36).padStart(digits, '0')}`;
}
