import type { TouchedResources } from '@orrery/contracts/ledger';
import type { Lease } from './lock.ts';

/** One resource that the engine could not make as asked, and why. */
export interface ResourceFailure {
  readonly urn: string;
  readonly reason: string;
}

/** How a run of the engine ended. */
export interface EngineRun {
  readonly ok: boolean;
  readonly resources: TouchedResources;
  readonly failures: readonly ResourceFailure[];
  /** What it said that belongs to no resource: errors of the program, of the backend, of the engine itself. */
  readonly errors: readonly string[];
  /** It was killed in the middle: a lock of its own is left, and nobody holds it. */
  readonly killed: boolean;
  /** The stack is locked by another run: in the engine's own words, which name it. */
  readonly lockedBy?: string;
}

export interface RunOptions {
  /** Under which it runs: when the lease is lost, or whoever holds it dies, the engine is ended. */
  readonly lease: Lease;
  /** Asks it to end early: what is in flight is finished, nothing else is begun. */
  readonly signal: AbortSignal;
  /** One line for each resource that is done. */
  readonly progress: (line: string) => void;
}

/** What makes a cloud be what the program says. One environment is one stack. */
export interface Engine {
  /** Computes what would change, and changes nothing. */
  preview(options: RunOptions): Promise<EngineRun>;
  /** Makes it so. What failed is in the answer; it throws only when the engine could not be run at all. */
  up(options: RunOptions): Promise<EngineRun>;
  /** The whole state as text, every secret in it encrypted. */
  exportState(): Promise<string>;
  /** Removes the lock that a run left which was killed. Only for who knows that it is dead. */
  cancel(): Promise<void>;
}
