import { PlanError } from '#infra/errors.ts';

/** One thing wrong in an environment's settings. */
export interface SettingsProblem {
  /** For example `network.zones`. */
  readonly path: string;
  readonly value: unknown;
  readonly reason: string;
  readonly fix: string;
}

/** What fields mean together. */
export interface SettingsRule<Settings> {
  /** The keys that it reads: it is asked only where the form of all of them is right, so that every mistake is told once. */
  readonly reads: readonly (keyof Settings & string)[];
  readonly find: (settings: Settings, environment: string) => SettingsProblem[];
}

export function problem(path: string, value: unknown, reason: string, fix: string): SettingsProblem {
  return { path, value, reason, fix };
}

/** Nothing where it holds, otherwise the problem. */
export function unless(holds: boolean, found: SettingsProblem): SettingsProblem[] {
  return holds ? [] : [found];
}

/** The planners of infra decide what they can plan: a refusal of theirs is a problem at the path, and nothing is said twice. */
export function planned(path: string, value: unknown, plan: () => unknown): SettingsProblem[] {
  try {
    plan();
    return [];
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    return [problem(path, value, `can't be planned, ${error.problem}`, error.hint)];
  }
}
