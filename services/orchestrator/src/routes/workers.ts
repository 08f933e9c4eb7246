import type { App } from '@orrery/kit/http';
import Type from 'typebox';
import { errors } from './schemas.ts';
import type { Ready } from './started.ts';

const WorkerView = Type.Object({
  worker: Type.String(),
  tenant: Type.String({ description: '* serves every tenant' }),
  pool: Type.String(),
  build: Type.String(),
  handlers: Type.Array(Type.String()),
  slots: Type.Integer(),
  held: Type.Integer({ description: 'attempts that it has in hand' }),
  sinceMs: Type.Integer(),
});

export function addWorkerRoutes(app: App, ready: Ready): void {
  app.get(
    '/v1/workers',
    {
      schema: {
        summary: 'The workers that are connected to this orchestrator; others may be connected to its peers',
        response: { 200: Type.Object({ workers: Type.Array(WorkerView) }), ...errors },
      },
    },
    (request) => ({
      workers: ready()
        .workers(request.tenant)
        .map((worker) => ({ ...worker, handlers: [...worker.handlers] })),
    }),
  );
}
