import { runService } from '@orrery/kit/service';
import { settings } from './config.ts';
import { createRegistryService } from './service.ts';

await runService(process, {
  description:
    'Pairs of model and feature set: registered once, staged, live, archived; cards, lineage and what was live when.',
  settings,
  create: createRegistryService,
});
