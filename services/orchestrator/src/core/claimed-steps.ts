import type { ClaimedStep } from './step-lease.ts';

type RunLine = readonly [
  tenant: string,
  actor: string,
  workflow: string,
  definition: string,
  parameters: string,
  logical: string,
];
type WorkLine = readonly [
  run: string,
  ref: string,
  fence: string,
  attempt: number,
  due: number,
  results: Readonly<Record<string, string>>,
  item: string | null,
];

/** What an exchange gave, as the functions tell it. */
export function claimedOf(answer: Readonly<Record<string, unknown>>): ClaimedStep[] {
  const runs = answer['runs'] as Readonly<Record<string, RunLine>>;
  const nowMs = Number(answer['now']) / 1000;
  const claimed: ClaimedStep[] = [];
  // Written out: a spread takes several times as long, and this is done for every step.
  for (const [run, ref, fence, attempt, dueMs, results, item] of answer['work'] as WorkLine[]) {
    const line = runs[run];
    if (line === undefined) continue;
    const [tenant, actor, workflow, definition, parameters, logical] = line;
    claimed.push({
      run,
      ref,
      fence,
      attempt,
      dueMs,
      tenant,
      actor,
      workflow,
      definition,
      parameters,
      logicalMs: Number(logical),
      results,
      item: item ?? undefined,
      nowMs,
    });
  }
  return claimed;
}
