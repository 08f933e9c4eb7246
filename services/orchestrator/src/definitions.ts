import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  checkTogether,
  formatProblem,
  locateProblems,
  readDefinition,
  type Problem,
  type WorkflowSource,
} from '@orrery/contracts/definition';
import type { Workflow } from '@orrery/contracts/definitions/workflow';
import { OrreryError } from '@orrery/kit/errors';
import { planWorkflow, type WorkflowPlan } from './core/plan.ts';
import { checkSchedule } from './triggers/schedule.ts';

/** A workflow of this release, ready to start runs. */
export interface DefinedWorkflow {
  readonly tenant: string;
  readonly definition: Workflow;
  readonly plan: WorkflowPlan;
  /** What this environment lacks for it. Such a workflow is shown but not run: another environment may have it. */
  readonly lacks: readonly string[];
}

/** The workflows of this release, by tenant and name. */
export class Catalogue {
  readonly #workflows: readonly DefinedWorkflow[];

  constructor(workflows: readonly DefinedWorkflow[]) {
    this.#workflows = workflows;
  }

  all(): readonly DefinedWorkflow[] {
    return this.#workflows;
  }

  /** A tenant sees its own. A definition without a tenant is of `main`. */
  of(tenant: string): readonly DefinedWorkflow[] {
    return this.#workflows.filter((workflow) => workflow.tenant === tenant);
  }

  find(tenant: string, name: string): DefinedWorkflow | undefined {
    return this.of(tenant).find((workflow) => workflow.definition.name === name);
  }
}

/** What a definition needs beyond itself. */
export interface Surroundings {
  /** Names that http steps may call. */
  readonly peers: readonly string[];
  /** Names that process steps may run. */
  readonly programs: readonly string[];
  readonly nowMs: number;
}

const tenantDefault = 'main';

/** Reads `workflows/*.yaml`. Throws `DEFINITIONS_INVALID` with every problem of every file. */
export async function readCatalogue(folder: string | undefined, surroundings: Surroundings): Promise<Catalogue> {
  if (folder === undefined) return new Catalogue([]);
  const workflows: DefinedWorkflow[] = [];
  const sources: WorkflowSource[] = [];
  const problems: Problem[] = [];
  const place = join(folder, 'workflows');
  const files = (await readdir(place).catch(() => [])).filter((file) => /\.ya?ml$/.test(file)).sort();
  for (const file of files) {
    const text = await readFile(join(place, file), 'utf8');
    const found = readWorkflow(text, `workflows/${file}`, surroundings);
    if (!found.ok) {
      problems.push(...found.problems);
      continue;
    }
    const { workflow } = found;
    const twin = workflows.find((other) => sameName(other, workflow));
    if (twin !== undefined) problems.push(...doubled(file, workflow));
    else {
      workflows.push(workflow);
      sources.push({ file: `workflows/${file}`, text, workflow: workflow.definition });
    }
  }
  problems.push(...checkTogether(sources));
  if (problems.length > 0) throw invalid(problems);
  return new Catalogue(workflows);
}

function readWorkflow(
  text: string,
  file: string,
  surroundings: Surroundings,
): { ok: true; workflow: DefinedWorkflow } | { ok: false; problems: Problem[] } {
  const read = readDefinition(text, file);
  if (!read.ok) return read;
  if (read.value.kind !== 'Workflow') {
    const message = `a ${read.value.kind} stands among the workflows`;
    const hint = 'move the file to the folder of its kind';
    return { ok: false, problems: locateProblems(text, file, [{ path: ['kind'], message, hint }]) };
  }
  const workflow = read.value;
  const found = checkSchedule(workflow, surroundings.nowMs);
  if (found.length > 0) return { ok: false, problems: locateProblems(text, file, found) };
  const tenant = workflow.tenant ?? tenantDefault;
  return {
    ok: true,
    workflow: { tenant, definition: workflow, plan: planWorkflow(workflow), lacks: lacking(workflow, surroundings) },
  };
}

function lacking(workflow: Workflow, { peers, programs }: Surroundings): string[] {
  const lacks = workflow.steps.flatMap((step) => {
    const done = step.uses === 'map' ? step.step : step;
    if (done.uses === 'http' && !peers.includes(done.with.service)) return [`the service "${done.with.service}"`];
    if (done.uses === 'process' && !programs.includes(done.with.program)) return [`the program "${done.with.program}"`];
    return [];
  });
  return [...new Set(lacks)];
}

function sameName(left: DefinedWorkflow, right: DefinedWorkflow): boolean {
  return left.tenant === right.tenant && left.definition.name === right.definition.name;
}

function doubled(file: string, { definition, tenant }: DefinedWorkflow): Problem[] {
  const message = `the tenant ${tenant} has a workflow "${definition.name}" already`;
  return [{ file: `workflows/${file}`, line: 1, column: 1, message, hint: 'give one of the two another name' }];
}

function invalid(problems: readonly Problem[]): OrreryError {
  return new OrreryError({
    code: 'DEFINITIONS_INVALID',
    message: `${problems.length} problems in the definitions:\n${problems.map(formatProblem).join('\n')}`,
    hint: 'mend every place above; nothing was started',
  });
}
