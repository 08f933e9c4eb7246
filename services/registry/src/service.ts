import type { Service, ServiceContext } from '@orrery/kit/service';
import type { settings } from './config.ts';
import { addRoutes } from './http.ts';
import { Registry } from './registry.ts';

export function createRegistryService(context: ServiceContext<typeof settings>): Service {
  const registry = new Registry(context);
  return {
    routes: (app) => addRoutes(app, registry),
    start: () => registry.start(),
    missing: async () => registry.missing(),
    stop: () => registry.stop(),
  };
}
