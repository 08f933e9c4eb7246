import { runService } from '@orrery/kit/service';
import { settings } from './config.ts';
import { createScoringService } from './service.ts';

await runService(process, {
  description: 'Predictions of the live pairs: over HTTP for given rows, and for whole days into ClickHouse.',
  settings,
  create: createScoringService,
});
