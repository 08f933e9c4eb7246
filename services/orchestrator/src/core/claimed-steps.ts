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
  return (answer['work'] as WorkLine[]).flatMap(([run, ref, fence, attempt, dueMs, results, item]) => {
    const line = runs[run];
    if (line === undefined) return [];
    const [tenant, actor, workflow, definition, parameters, logical] = line;
    const of = { tenant, actor, workflow, definition, parameters, logicalMs: Number(logical) };
    return [{ run, ref, fence, attempt, dueMs, ...of, results, item: item ?? undefined, nowMs }];
  });
}
