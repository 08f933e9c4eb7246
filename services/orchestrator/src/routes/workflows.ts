import type { App } from '@orrery/kit/http';
import Type, { type Static } from 'typebox';
import type { DefinedWorkflow } from '../definitions.ts';
import { workflowMissing } from '../errors.ts';
import { triggerNames } from '../triggers/identity.ts';
import { allowNoBody, closed, DryRun, errors, Reason, WorkflowName } from './schemas.ts';
import type { Ready, Started } from './started.ts';

const WorkflowSummary = Type.Object({
  name: Type.String(),
  tenant: Type.String(),
  owner: Type.String(),
  description: Type.String(),
  digest: Type.String({ description: 'of the definition: runs started from here on keep it for life' }),
  steps: Type.Integer(),
  triggers: Type.Array(Type.String({ description: 'by the names under which backfills know them' })),
  lacks: Type.Array(Type.String({ description: 'what this environment lacks for it; empty when it can run' })),
});
const WorkflowView = Type.Object({
  ...WorkflowSummary.properties,
  definition: Type.Unknown({ description: 'with its first 200 steps' }),
});

const Version = Type.Object({
  definition: Type.String(),
  current: Type.Boolean(),
  running: Type.Integer(),
  queued: Type.Integer(),
  oldestRun: Type.String(),
  oldestAtMs: Type.Integer(),
});
const Versions = Type.Object({
  workflow: Type.String(),
  current: Type.Optional(Type.String({ description: 'absent when the release no longer has the workflow' })),
  drained: Type.Boolean({ description: 'no run in flight keeps an earlier definition' }),
  versions: Type.Array(Version),
});

const PauseOrder = Type.Object({ reason: Type.Optional(Reason), dryRun: Type.Optional(DryRun) }, closed);
type PauseOrder = Static<typeof PauseOrder>;
const ScopeAnswer = Type.Object({
  scope: Type.String(),
  outcome: Type.String({ description: 'done, nothing when it was so already, would in a dry run' }),
  text: Type.Optional(Type.String({ description: 'what it would do' })),
});

const stepsShownMax = 200;

export function addWorkflowRoutes(app: App, ready: Ready): void {
  addCatalogue(app, ready);
  addPauses(app, ready);
}

function addCatalogue(app: App, ready: Ready): void {
  app.get(
    '/v1/workflows',
    {
      schema: {
        summary: 'The workflows of the tenant',
        response: { 200: Type.Object({ workflows: Type.Array(WorkflowSummary) }), ...errors },
      },
    },
    (request) => ({ workflows: ready().catalogue.of(request.tenant).map(summarise) }),
  );
  app.get<{ Params: WorkflowName }>(
    '/v1/workflows/:name',
    {
      schema: {
        summary: 'One workflow with its definition',
        params: WorkflowName,
        response: { 200: WorkflowView, ...errors },
      },
    },
    (request) => {
      const workflow = find(ready(), request.tenant, request.params.name);
      const { steps, ...head } = workflow.definition;
      return { ...summarise(workflow), definition: { ...head, steps: steps.slice(0, stepsShownMax) } };
    },
  );
  app.get<{ Params: WorkflowName }>(
    '/v1/workflows/:name/versions',
    {
      schema: {
        summary: 'The definitions that runs in flight keep: how far earlier ones have drained',
        params: WorkflowName,
        response: { 200: Versions, ...errors },
      },
    },
    (request) => ready().versions(request.tenant, request.params.name),
  );
}

function addPauses(app: App, ready: Ready): void {
  const summaries = {
    pause: 'starts no more runs and steps; attempts in progress end',
    resume: 'starts what has waited meanwhile',
  } as const;
  for (const verb of ['pause', 'resume'] as const) {
    const paused = verb === 'pause';
    app.post<{ Params: WorkflowName; Body: PauseOrder }>(
      `/v1/workflows/:name/${verb}`,
      {
        schema: {
          summary: `A workflow: ${summaries[verb]}`,
          params: WorkflowName,
          body: PauseOrder,
          response: { 200: ScopeAnswer, ...errors },
        },
        preValidation: allowNoBody,
      },
      (request) => {
        const { reason = '', dryRun = false } = request.body;
        const { scopes } = ready();
        const { name } = request.params;
        if (dryRun) return scopes.foretellWorkflow(request, name, paused);
        return scopes.pauseWorkflow(request, name, { paused, reason });
      },
    );
    app.post<{ Body: PauseOrder }>(
      `/v1/tenant/${verb}`,
      {
        schema: {
          summary: `The tenant: ${summaries[verb]}`,
          body: PauseOrder,
          response: { 200: ScopeAnswer, ...errors },
        },
        preValidation: allowNoBody,
      },
      (request) => {
        const { reason = '', dryRun = false } = request.body;
        const { scopes } = ready();
        return dryRun ? scopes.foretellTenant(request, paused) : scopes.pauseTenant(request, { paused, reason });
      },
    );
  }
}

function find({ catalogue }: Started, tenant: string, name: string): DefinedWorkflow {
  const workflow = catalogue.find(tenant, name);
  if (workflow !== undefined) return workflow;
  const known = catalogue.of(tenant).map(({ definition }) => definition.name);
  throw workflowMissing(name, known);
}

function summarise({ tenant, definition, plan, lacks }: DefinedWorkflow): Static<typeof WorkflowSummary> {
  const { name, owner, description = '', triggers } = definition;
  const steps = definition.steps.length;
  return {
    name,
    tenant,
    owner,
    description,
    digest: plan.digest,
    steps,
    triggers: triggerNames(triggers),
    lacks: [...lacks],
  };
}
