import type { Lease } from './types.ts';

export function keyOf({ run, ref, fence }: Lease): string {
  return `${run}|${ref}|${fence}`;
}

export function leaseOf(key: string): Lease {
  const [run = '', ref = '', fence = ''] = key.split('|');
  return { run, ref, fence };
}
