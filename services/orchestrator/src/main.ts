import { runService } from '@orrery/kit/service';
import { Settings } from './config.ts';
import { createOrchestratorService } from './service.ts';

await runService(process, {
  description: 'Runs versioned workflows: triggers, runs, steps, retries; every transition is an event.',
  settings: Settings,
  create: createOrchestratorService,
});
