import { hasExpression, parseTemplate } from '../expression.ts';
import type { Fallback, Retry, Timeouts } from './workflow-endurance.ts';
import { refuseExpressions } from './workflow-expression-checks.ts';
import { nearest, type Findings, type Path } from './workflow-findings.ts';
import type { StepBody, Step } from './workflow-steps.ts';
import type { Workflow } from './workflow.ts';

const attemptDefaultSeconds = 300;
const runDefaultSeconds = 3600;
const fallbackBytesMax = 64 * 1024;
const statementBytesMax = 64 * 1024;

/** Kinds that an orchestrator suspends: nothing works on them meanwhile. */
const suspended: readonly Step['uses'][] = ['map', 'workflow', 'wait', 'approve'];
const placeholder = /\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*:\s*[A-Za-z]/g;
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** What contradicts itself in single steps. */
export function checkSteps(workflow: Workflow, findings: Findings): void {
  for (const [index, step] of workflow.steps.entries()) {
    if (findings.full) return;
    const path = ['steps', index];
    checkEndurance(step, path, { workflow, findings });
    checkKind(step, path, { workflow, findings });
    if (step.updates !== undefined) findings.addDoubled([...path, 'updates'], step.updates, 'dataset');
    if (step.uses !== 'map') continue;
    checkEndurance(step.step, [...path, 'step'], { workflow, findings });
    checkKind(step.step, [...path, 'step'], { workflow, findings });
  }
}

interface Place {
  readonly workflow: Workflow;
  readonly findings: Findings;
}

function checkEndurance(step: Step | StepBody, path: Path, { workflow, findings }: Place): void {
  if (step.retry !== undefined) checkRetry(step.retry, [...path, 'retry'], findings);
  if (step.timeouts !== undefined) {
    checkTimeouts(step.timeouts, [...path, 'timeouts'], { uses: step.uses, workflow, findings });
  }
  if (step.fallback !== undefined) checkFallback(step.fallback, [...path, 'fallback'], findings);
  if (step.uses === 'approve' && step.fallback !== undefined) {
    const hint = 'take the fallback out, or let a step after it do what is done without approval';
    findings.add([...path, 'fallback'], 'a fallback would approve what was rejected', hint);
  }
  if ((step.uses === 'approve' || step.uses === 'wait') && step.limit !== undefined) {
    const message = `a step that uses ${step.uses} holds no slot: there is nothing to limit`;
    findings.add([...path, 'limit'], message, 'put the limit on the step that does the work');
  }
}

function checkRetry(retry: Retry, path: Path, findings: Findings): void {
  const { backoffMs, backoffMaxMs, classes = {} } = retry;
  const hint = 'the first wait is backoffMs: raise backoffMaxMs to it or above';
  if (backoffMaxMs === undefined) return;
  if (backoffMs !== undefined && backoffMaxMs < backoffMs) {
    const message = `backoffMaxMs is ${backoffMaxMs}, less than backoffMs, ${backoffMs}`;
    findings.add([...path, 'backoffMaxMs'], message, hint);
  }
  for (const [name, own] of Object.entries(classes)) {
    if (own.backoffMs === undefined || own.backoffMs <= backoffMaxMs) continue;
    const message = `backoffMs of ${name} is ${own.backoffMs}, more than backoffMaxMs, ${backoffMaxMs}`;
    findings.add([...path, 'classes', name, 'backoffMs'], message, hint);
  }
}

function checkTimeouts(
  timeouts: Timeouts,
  path: Path,
  { uses, workflow, findings }: Place & { readonly uses: Step['uses'] },
): void {
  const { attemptSeconds, queueSeconds, totalSeconds, heartbeatSeconds } = timeouts;
  const attempt = attemptSeconds ?? attemptDefaultSeconds;
  const run = workflow.timeoutSeconds ?? runDefaultSeconds;
  const more = (key: string, given: number, most: string, hint: string) => {
    findings.add([...path, key], `${key} is ${given}, more than ${most}`, hint);
  };
  if (totalSeconds !== undefined) {
    const hint = 'totalSeconds holds all tries and waits: raise it, or lower the other';
    if (attemptSeconds !== undefined && attemptSeconds > totalSeconds) {
      more('attemptSeconds', attemptSeconds, `totalSeconds, ${totalSeconds}`, hint);
    }
    if (queueSeconds !== undefined && queueSeconds > totalSeconds) {
      more('queueSeconds', queueSeconds, `totalSeconds, ${totalSeconds}`, hint);
    }
    if (totalSeconds > run) {
      const most = `timeoutSeconds of the workflow, ${run}`;
      more('totalSeconds', totalSeconds, most, 'the run would end before: raise timeoutSeconds of the workflow');
    }
  }
  if (heartbeatSeconds === undefined) return;
  if (suspended.includes(uses)) {
    const message = `a step that uses ${uses} sends no heartbeats`;
    findings.add([...path, 'heartbeatSeconds'], message, 'bound it by totalSeconds');
  } else if (heartbeatSeconds > attempt) {
    const most = `attemptSeconds, ${attempt}`;
    more('heartbeatSeconds', heartbeatSeconds, most, 'the try would end before: lower it, or raise attemptSeconds');
  }
}

function checkFallback({ result, classes = [] }: Fallback, path: Path, findings: Findings): void {
  const bytes = Buffer.byteLength(JSON.stringify(result));
  if (bytes > fallbackBytesMax) {
    const message = `the result has ${bytes} bytes, the most is ${fallbackBytesMax}`;
    findings.add([...path, 'result'], message, 'put it into the store and name its digest');
  }
  refuseExpressions(result, [...path, 'result'], findings);
  findings.addDoubled([...path, 'classes'], classes, 'class');
}

function checkKind(step: Step | StepBody, path: Path, { workflow, findings }: Place): void {
  const within = [...path, 'with'];
  switch (step.uses) {
    case 'sql':
      checkStatement(step.with, within, findings);
      return;
    case 'workflow':
      if (step.with.workflow !== workflow.name) return;
      findings.add(
        [...within, 'workflow'],
        `the workflow "${workflow.name}" starts itself, without an end`,
        'name another workflow, or use map over a list',
      );
      return;
    case 'map':
      checkMap(step.with, within, findings);
      return;
    case 'wait':
      checkWait(step.with, within, { workflow, findings });
      return;
    case 'approve':
      checkApproval(step.with, within, findings);
      return;
    default:
  }
}

type With<Uses extends Step['uses']> = Extract<Step, { uses: Uses }>['with'];

function checkStatement({ statement, parameters = {} }: With<'sql'>, path: Path, findings: Findings): void {
  const bytes = Buffer.byteLength(statement);
  if (bytes > statementBytesMax) {
    const message = `the statement has ${bytes} bytes, the most is ${statementBytesMax}`;
    findings.add([...path, 'statement'], message, 'make a view of its parts');
  }
  if (hasExpression(statement)) {
    const message = 'the statement has an expression in it: what a run is given could change what the SQL does';
    findings.add([...path, 'statement'], message, 'write {name:Type} there and the expression under parameters');
  }
  const given = Object.keys(parameters);
  const asked = new Set([...statement.matchAll(placeholder)].map((match) => match[1] ?? ''));
  for (const name of asked) {
    if (Object.hasOwn(parameters, name)) continue;
    const message = `the statement asks for {${name}:…}, which parameters does not have`;
    findings.add([...path, 'statement'], message, () => nearest(name, given));
  }
  for (const name of given) {
    if (asked.has(name)) continue;
    const message = `the statement does not ask for the parameter "${name}"`;
    findings.add([...path, 'parameters', name], message, () => nearest(name, [...asked]));
  }
}

function checkMap({ over, itemsMax, failuresMax }: With<'map'>, path: Path, findings: Findings): void {
  const template = parseTemplate(over);
  const only = template.ok && template.parts.length === 1 ? template.parts[0] : undefined;
  if (template.ok && (only === undefined || typeof only === 'string')) {
    const message = `over is ${JSON.stringify(over.slice(0, 100))}: it must be one expression and nothing else`;
    findings.add([...path, 'over'], message, 'for example ${{ steps.list.result.days }}');
  }
  if (itemsMax === undefined || failuresMax === undefined || failuresMax <= itemsMax) return;
  const message = `failuresMax is ${failuresMax}, more than itemsMax, ${itemsMax}`;
  findings.add([...path, 'failuresMax'], message, 'lower it: no more can fail than there are');
}

const ways = ['forMs', 'until', 'event', 'dataset'] as const;

function checkWait(given: With<'wait'>, path: Path, { workflow, findings }: Place): void {
  const found = ways.filter((way) => given[way] !== undefined);
  const [first, second] = found;
  const hint = `a wait is for exactly one of ${ways.join(', ')}`;
  if (first === undefined) findings.add(path, 'the wait is for nothing', hint);
  if (second !== undefined) findings.add([...path, second], `the wait is for ${found.join(' and ')} at once`, hint);
  const belongs = (key: 'key' | 'atLeast', way: 'event' | 'dataset') => {
    if (given[key] === undefined || given[way] !== undefined) return;
    findings.add([...path, key], `"${key}" says nothing without "${way}"`, `add "${way}", or delete "${key}"`);
  };
  belongs('key', 'event');
  belongs('atLeast', 'dataset');
  for (const key of ['until', 'atLeast'] as const) {
    const text = given[key];
    if (text === undefined || hasExpression(text) || isTime(text)) continue;
    const message = `${key} is ${JSON.stringify(text.slice(0, 100))}, which is no time`;
    findings.add([...path, key], message, 'write RFC 3339, for example 2026-03-01T06:00:00Z, or an expression');
  }
  const run = workflow.timeoutSeconds ?? runDefaultSeconds;
  if (given.forMs === undefined || given.forMs < run * 1000) return;
  const message = `forMs is ${given.forMs}, as long as the run may take or longer: ${run} seconds`;
  findings.add([...path, 'forMs'], message, 'raise timeoutSeconds of the workflow');
}

function isTime(text: string): boolean {
  const time = Date.parse(text);
  if (!rfc3339.test(text) || Number.isNaN(time)) return false;
  // A day that the month does not have would be read as one of the next month.
  const day = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  return new Date(day).toISOString().slice(0, 10) === text.slice(0, 10);
}

function checkApproval({ who, quorum = 1 }: With<'approve'>, path: Path, findings: Findings): void {
  findings.addDoubled([...path, 'who'], who, 'actor');
  const most = new Set(who).size;
  if (quorum <= most) return;
  const message = `quorum is ${quorum}, more than the ${most} who may approve`;
  findings.add([...path, 'quorum'], message, 'lower it, or name more actors');
}
