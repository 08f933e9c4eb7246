import { degradation, seconds, type RunView, type StepView } from './run-view.ts';

/** Prints a line when a step changes its state, and one every few seconds for a step that counts its work. */
export function runProgress(print: (line: string) => void, now: () => number): (view: RunView) => void {
  const states = new Map<string, string>();
  const toldAt = new Map<string, number>();
  const said = new Map<string, string>();
  return (view) => {
    for (const step of view.steps) {
      const state = `${step.state}:${step.attempt}`;
      const counted = describeProgress(step);
      if (states.get(step.name) !== state) {
        states.set(step.name, state);
        const line = describeChange(step);
        if (line !== undefined) print(line);
      } else if (
        counted !== undefined &&
        counted !== said.get(step.name) &&
        now() - (toldAt.get(step.name) ?? 0) > tellEveryMs
      ) {
        toldAt.set(step.name, now());
        said.set(step.name, counted);
        print(`  ${step.name}: ${counted}`);
      }
    }
  };
}

const tellEveryMs = 5000;

function describeChange(step: StepView): string | undefined {
  const { name, attempt } = step;
  switch (step.state) {
    case 'running':
      return `  ${name}${attempt > 1 ? ` (try ${attempt})` : ''} …`;
    case 'succeeded':
      return `  ${name}: done in ${seconds(step)} s${isReused(step) ? ', reused' : ''}${step.degraded === true ? `, ${degradation(step)}` : ''}`;
    case 'failed':
      return `  ${name}: failed: ${step.error?.message ?? 'no reason given'}`;
    default:
      return undefined;
  }
}

export function isReused(step: StepView): boolean {
  return (step.result as { reused?: boolean } | null | undefined)?.reused === true;
}

function describeProgress(step: StepView): string | undefined {
  const progress = step.progress;
  if (step.state !== 'running' || !progress) return undefined;
  if (progress.stage !== undefined) return progress.stage;
  if (progress.done === undefined || progress.total === undefined) return undefined;
  const share = progress.total > 0 ? Math.floor((100 * progress.done) / progress.total) : 100;
  return `${progress.done.toLocaleString('en-US')} of ${progress.total.toLocaleString('en-US')} ${progress.unit ?? ''} (${share} %)`;
}
