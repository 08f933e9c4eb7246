import { OrreryError } from '@orrery/kit/errors';
import type { Bulk } from '../control/bulk.ts';
import type { Controls } from '../control/controls.ts';
import type { Explainer } from '../control/explainer.ts';
import type { Intake } from '../control/intake.ts';
import type { Scopes } from '../control/scopes.ts';
import type { VersionsView } from '../control/versions.ts';
import type { Catalogue } from '../definitions.ts';
import type { WorkerView } from '../door/types.ts';
import type { RunExplanation } from '../history/explain.ts';
import type { verifyRun } from '../history/verify.ts';
import type { RecordedEvent } from '../history/history.ts';
import type { RunReader } from '../runs/run-reader.ts';
import type { RunViews } from '../runs/run-views.ts';
import type { Runs } from '../runs/runs.ts';
import type { BackfillRecord, Backfills } from '../triggers/backfills.ts';

/** What exists once the service has started. */
export interface Started {
  readonly catalogue: Catalogue;
  readonly runs: Runs;
  readonly reader: RunReader;
  readonly views: RunViews;
  readonly controls: Controls;
  readonly bulk: Bulk;
  readonly scopes: Scopes;
  readonly explainer: Explainer;
  /** Those that are connected to this process. */
  readonly workers: (tenant: string) => readonly WorkerView[];
  readonly intake: Intake;
  /** With what deliveries to a hook are signed. */
  readonly hookSecret: (tenant: string, hook: string) => string;
  readonly versions: (tenant: string, workflow: string) => Promise<VersionsView>;
  readonly history: {
    events(tenant: string, run: string, limit: number): Promise<readonly RecordedEvent[]>;
    /** Null of a run that the history does not know. */
    explain(tenant: string, run: string): Promise<RunExplanation | null>;
    /** Computes the chain of its rows anew. */
    verify(tenant: string, run: string): ReturnType<typeof verifyRun>;
  };
  readonly backfills: Pick<Backfills, 'estimate' | 'start' | 'show' | 'wish'> & {
    /** Those of the tenant that have not ended. */
    active(tenant: string): Promise<readonly BackfillRecord[]>;
  };
}

export type Ready = () => Started;

/** Throws the retryable `NOT_READY` until the service has started. */
export function readyOf(started: () => Started | undefined): Ready {
  return () => {
    const parts = started();
    if (parts !== undefined) return parts;
    const message = 'the service has not started';
    throw new OrreryError({ code: 'NOT_READY', message, hint: 'try again in a moment', retry: 'retryable' });
  };
}
