import type { Verb } from './verb.ts';
import { cancel, retry, run, runs, show } from './verbs/runs.ts';
import { down, logs, status, up } from './verbs/environment.ts';
import { pin, rollback } from './verbs/pin.ts';
import { releaseCreate, releaseList, releaseShow, releaseVerify } from './verbs/release.ts';
import { score } from './verbs/score.ts';
import { start } from './verbs/start.ts';

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
  pin,
  rollback,
  run,
  runs,
  show,
  cancel,
  retry,
  score,
];
