import type { PathProblem } from '../schema-problems.ts';
import { checkExpressions } from './workflow-expression-checks.ts';
import { Findings } from './workflow-findings.ts';
import { checkCycle, checkNames } from './workflow-graph-checks.ts';
import { graphOf } from './workflow-graph.ts';
import { checkSteps } from './workflow-step-checks.ts';
import { checkParameters, checkTriggers } from './workflow-trigger-checks.ts';
import type { Workflow } from './workflow.ts';

/** What the schema can't tell of a workflow: names that must exist, cycles, expressions, values that contradict each other. */
export function checkWorkflow(workflow: Workflow): PathProblem[] {
  const findings = new Findings();
  checkNames(workflow, findings);
  // Cycles, and what lies upstream, are told only of a graph whose names are sound.
  if (!findings.some) checkGraph(workflow, findings);
  checkTriggers(workflow, findings);
  checkParameters(workflow, findings);
  checkSteps(workflow, findings);
  return findings.problems;
}

function checkGraph(workflow: Workflow, findings: Findings): void {
  const graph = graphOf(workflow.steps);
  checkCycle(workflow.steps, graph, findings);
  if (!findings.some) checkExpressions(workflow, graph, findings);
}
