import type { Service, ServiceContext } from '@orrery/kit/service';
import type { settings } from './config.ts';
import { addRoutes } from './http.ts';
import { Scorer } from './scorer.ts';

export function createScoringService(context: ServiceContext<typeof settings>): Service {
  const scorer = new Scorer(context);
  return {
    routes: (app) => addRoutes(app, scorer, context.config.settings.rowsMax),
    start: () => scorer.start(),
    missing: async () => scorer.missing(),
    stop: () => scorer.stop(),
  };
}
