import type { Verb } from './verb.ts';
import { auditVerify } from './audit.ts';
import { backfill } from './backfill.ts';
import { cancel, kill, retry } from './control.ts';
import { cost } from './cost.ts';
import { deploy } from './deploy.ts';
import { diff } from './diff.ts';
import { event } from './event.ts';
import { explain } from './explain.ts';
import { down, logs, status, up } from './environment.ts';
import { hook } from './hook.ts';
import { imageExport, imageLock } from './image.ts';
import { limit } from './limit.ts';
import { pause, resume } from './pause.ts';
import { pin, rollback } from './pin.ts';
import { policy } from './policy.ts';
import { preview } from './preview.ts';
import { releaseCreate, releaseList, releaseShow, releaseVerify } from './release.ts';
import { render } from './render.ts';
import { run } from './run.ts';
import { runs } from './runs.ts';
import { score } from './score.ts';
import { show } from './show.ts';
import { start } from './start.ts';
import { approve, migrate, reset, skip } from './step-control.ts';
import { workflowCheck } from './workflow-check.ts';
import { workflowVersions } from './workflow-versions.ts';
import { versionsList, versionsVerify } from './versions.ts';

/** Every verb that works, in the order in which help lists them. */
export const verbs: readonly Verb[] = [
  start,
  up,
  down,
  status,
  logs,
  releaseCreate,
  releaseList,
  releaseShow,
  releaseVerify,
  imageLock,
  imageExport,
  render,
  preview,
  policy,
  diff,
  cost,
  versionsList,
  versionsVerify,
  pin,
  deploy,
  rollback,
  auditVerify,
  run,
  runs,
  show,
  explain,
  pause,
  resume,
  cancel,
  kill,
  retry,
  skip,
  reset,
  migrate,
  approve,
  backfill,
  event,
  hook,
  limit,
  workflowCheck,
  workflowVersions,
  score,
];
