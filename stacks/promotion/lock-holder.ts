import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { identify, isAlive } from '../local/identity.ts';
import type { HolderProcess, LockRecord } from './lock-driver.ts';

/** A process of this machine, as others on it can find it. Default: this one. */
export function holderProcess(number = process.pid): HolderProcess {
  const { pid, started } = identify('', number);
  return { machine: machineOf(), pid, started };
}

/** True only when it is certain: every process of the holder ran on this machine, since its last start, and is gone. */
export function isHolderDead({ processes }: LockRecord): boolean {
  return processes.every(({ pid, started, machine }) => isHere(machine) && !isAlive({ name: '', pid, started }));
}

/** Whether a lease was taken on this machine: then there is one clock. */
export function isSameMachine({ processes }: LockRecord): boolean {
  return processes.every(({ machine }) => isHere(machine));
}

function isHere(machine: string): boolean {
  return machine !== '' && machine === machineOf();
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
