import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { nameOfUrn } from '#stacks/render/symbols.ts';
import type { PulumiProject } from '#test/support/pulumi-project.ts';
import { pulumi } from './engine.ts';

export interface Step {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  /** Place among all that the engine told of this run: what has a lower one came earlier. */
  readonly at: number;
}

/** One run of the engine: what it began and what it finished, each in order. */
export interface Operation {
  readonly code: number;
  readonly output: string;
  readonly seconds: number;
  readonly begun: readonly Step[];
  readonly finished: readonly Step[];
  /** Violations of policies, as `policy: message`. */
  readonly violations: readonly string[];
}

interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: Metadata };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly policyEvent?: { readonly policyName: string; readonly message: string };
}

type Metadata = Omit<Step, 'at'>;

/** Runs `preview`, `up`, `refresh` or `destroy` and reads what the engine tells programs of it. */
export async function operate(project: PulumiProject, environment: string, ...args: string[]): Promise<Operation> {
  const log = join(project.folder, 'events.jsonl');
  rmSync(log, { force: true });
  const startedMs = performance.now();
  const { code, output } = await pulumi(project, environment, ...args, '--event-log', log);
  const seconds = (performance.now() - startedMs) / 1000;
  const events = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EngineEvent);
  return {
    code,
    output,
    seconds,
    begun: events.flatMap(({ resourcePreEvent: event }, at) =>
      event === undefined ? [] : [stepOf(event.metadata, at)],
    ),
    finished: events.flatMap(({ resOutputsEvent: event }, at) =>
      event === undefined ? [] : [stepOf(event.metadata, at)],
    ),
    violations: events.flatMap(({ policyEvent: event }) =>
      event === undefined ? [] : [`${event.policyName}: ${event.message}`],
    ),
  };
}

function stepOf({ op, urn, type }: Metadata, at: number): Step {
  return { op, urn, type, at };
}

/** How often each operation stands among the steps. */
export function countOps(steps: readonly Step[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { op } of steps) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** `op name` of every step that changes something, sorted. */
export function changesOf(steps: readonly Step[]): string[] {
  return steps
    .filter(({ op }) => op !== 'same' && op !== 'refresh' && op !== 'read')
    .map(({ op, urn }) => `${op} ${nameOfUrn(urn)}`)
    .toSorted();
}
