import type { Verb } from './verb.ts';
import { auditVerify } from './audit.ts';
import { cancel, retry, run, runs, show } from './runs.ts';
import { cost } from './cost.ts';
import { deploy } from './deploy.ts';
import { diff } from './diff.ts';
import { down, logs, status, up } from './environment.ts';
import { imageExport, imageLock } from './image.ts';
import { pin, rollback } from './pin.ts';
import { policy } from './policy.ts';
import { preview } from './preview.ts';
import { releaseCreate, releaseList, releaseShow, releaseVerify } from './release.ts';
import { render } from './render.ts';
import { score } from './score.ts';
import { start } from './start.ts';
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
  cancel,
  retry,
  score,
];
