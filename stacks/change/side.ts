import type { Pack } from '#policies/pack.ts';
import type { Digest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import type { Lockfile } from '../release/lockfile.ts';
import type { GraphResource } from '../render/graph.ts';
import type { Level, LeftOut } from './change.ts';

/** One of the two things that are compared. */
export interface Side {
  /** As people call it: an environment, the beginning of a release's digest, `working tree`. */
  readonly label: string;
  readonly digest: Digest;
  readonly release: Release;
  readonly binding?: { readonly digest: Digest; readonly settings: Readonly<Record<string, unknown>> };
  /** Digest of the render, and what it holds. Absent where nothing was rendered. */
  readonly render?: Digest;
  readonly graph?: readonly GraphResource[];
}

/** Everything else that a comparison may look at. Read before, so that comparing is pure. */
export interface Context {
  /** By whose rules the graphs are judged; null where no environment is meant. */
  readonly environment: string | null;
  /** The rules of an environment. Default: those of policies/pack. */
  readonly pack?: (environment: string) => Pack;
  /** True where the two sides are two environments: then nothing is going to be changed. */
  readonly environments: boolean;
  readonly levels: readonly Level[];
  readonly leftOut: readonly LeftOut[];
  /** An object of the store; undefined where it was not brought. */
  readonly object: (digest: Digest) => Buffer | undefined;
  readonly lockfiles: { readonly base?: Lockfile; readonly head?: Lockfile };
  /** Set when the base was made from a commit that the head does not contain: then the head would undo what is in it. */
  readonly staleBase?: string;
}
