import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { identify, isAlive } from '../local/identity.ts';
import type { LockRecord } from './lock-driver.ts';

/** This process, as others on the same machine can find it. */
export function thisProcess(): LockRecord['process'] {
  const { pid, started } = identify('', process.pid);
  return { machine: machineOf(), pid, started };
}

/** True only when it is certain: the holder ran on this machine, since its last start, and is gone. */
export function isHolderDead(holder: LockRecord['process']): boolean {
  if (holder.machine === '' || holder.machine !== machineOf()) return false;
  return !isAlive({ name: '', pid: holder.pid, started: holder.started });
}

/** The machine since its last start, and the namespace in which process numbers mean something; empty where the kernel does not tell. */
function machineOf(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return createHash('sha256')
      .update(`${boot} ${readlinkSync('/proc/self/ns/pid')}`)
      .digest('hex')
      .slice(0, 16);
  } catch {
    return '';
  }
}
