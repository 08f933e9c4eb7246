import type { RefusalDetails } from './refusal.ts';

/**
 * What a renderer is asked, as one JSON document on its standard input. A renderer is part of a release and is asked for ever by
 * later callers: fields are only added, and each that is added is optional.
 */
export interface RenderRequest {
  /** Absolute path of the composition: a module that exports `composePlatform`. */
  readonly program: string;
  /** Pulumi's project, for example `orrery`. */
  readonly project: string;
  /** Pulumi's stack, for example `dev`. */
  readonly environment: string;
  readonly release: unknown;
  readonly releaseDigest: string;
  readonly settings: unknown;
  /** For checking that nothing but the above decides the graph. Default: the machine as it is. */
  readonly perturbation?: Perturbation;
}

/** What may differ from one machine and moment to another. */
export const axes = [
  'clock',
  'random',
  'identity',
  'process',
  'order',
  'timezone',
  'locale',
  'folder',
  'environment',
] as const;
export type Axis = (typeof axes)[number];

/**
 * A machine that is made up: every axis follows from a number, so that two renders of one number meet the same machine. Axes that
 * are not named follow from 0.
 */
export interface Perturbation {
  readonly seed: number;
  readonly axes: readonly Axis[];
}

/** The last line of an answer; every line before it is a resource. */
export type RenderEnd =
  { readonly end: { readonly resources: number; readonly peakMemoryBytes: number } } | RenderFailure;
export interface RenderFailure {
  readonly error: RefusalDetails;
}
