import { digestOf, canonicalJson, type Digest } from '@orrery/contracts/digest';
import type { Step, Workflow } from '@orrery/contracts/definitions/workflow';

/** Who carries a step out: an in-process caller, an isolated child process, or a timer alone. */
export type StepKind = Step['uses'];

/** What a transition must know of a step; kept beside the definition in Redis, under the names that the functions read. */
export interface StepPlan {
  readonly kind: StepKind;
  /** How many steps end before this one starts. */
  readonly needs: number;
  readonly children: readonly string[];
  readonly sleep: number;
  readonly attempts: number;
  readonly backoff: number;
  readonly backoff_max: number;
  readonly jitter: boolean;
  readonly timeout: number;
}

/** A definition made ready for running; the digest names it for life. */
export interface WorkflowPlan {
  readonly digest: Digest;
  /** Canonical JSON of the definition: what the digest is taken over. */
  readonly text: string;
  readonly steps: readonly (readonly [name: string, plan: StepPlan])[];
  readonly runsMax: number;
  readonly timeoutMs: number;
}

const stepTimeoutDefaultSeconds = 300;
const runTimeoutDefaultSeconds = 3600;
const runsMaxDefault = 1;
const backoffDefaultMs = 1000;
const backoffMaxDefaultMs = 60_000;

export function planWorkflow(workflow: Workflow): WorkflowPlan {
  return {
    digest: digestOf('workflow', workflow),
    text: canonicalJson(workflow),
    steps: workflow.steps.map((step) => [step.name, planStep(step, workflow.steps)]),
    runsMax: workflow.runsMax ?? runsMaxDefault,
    timeoutMs: (workflow.timeoutSeconds ?? runTimeoutDefaultSeconds) * 1000,
  };
}

export function stepTimeoutMs(step: Step): number {
  return (step.timeoutSeconds ?? stepTimeoutDefaultSeconds) * 1000;
}

function planStep(step: Step, steps: readonly Step[]): StepPlan {
  const backoffMs = step.retry?.backoffMs ?? backoffDefaultMs;
  return {
    kind: step.uses,
    needs: step.needs?.length ?? 0,
    children: steps.filter((other) => other.needs?.includes(step.name) === true).map((other) => other.name),
    sleep: step.uses === 'sleep' ? step.with.milliseconds : 0,
    attempts: step.retry?.attemptsMax ?? 1,
    backoff: backoffMs,
    backoff_max: Math.max(backoffMs, step.retry?.backoffMaxMs ?? backoffMaxDefaultMs),
    jitter: step.retry?.jitter !== 'none',
    timeout: stepTimeoutMs(step),
  };
}
