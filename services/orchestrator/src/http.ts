import type { App } from '@orrery/kit/http';
import { addControlRoutes } from './routes/control.ts';
import { addLimitRoutes } from './routes/limits.ts';
import { addOrderRoutes } from './routes/orders.ts';
import { addRunRoutes } from './routes/runs.ts';
import { addSignalRoutes } from './routes/signals.ts';
import { readyOf, type Started } from './routes/started.ts';
import { addStepRoutes } from './routes/steps.ts';
import { addTriggerRoutes } from './routes/triggers.ts';
import { addWorkerRoutes } from './routes/workers.ts';
import { addWorkflowRoutes } from './routes/workflows.ts';

/** The HTTP face: parse, call, answer. `started` is undefined until the service has started. */
export function addRoutes(app: App, started: () => Started | undefined): void {
  const ready = readyOf(started);
  addWorkflowRoutes(app, ready);
  addOrderRoutes(app, ready);
  addRunRoutes(app, ready);
  addStepRoutes(app, ready);
  addControlRoutes(app, ready);
  addSignalRoutes(app, ready);
  addTriggerRoutes(app, ready);
  addLimitRoutes(app, ready);
  addWorkerRoutes(app, ready);
}
