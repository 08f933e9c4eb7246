import { runService } from '@orrery/kit/service';
import { settings } from './config.ts';
import { createFeaturesService } from './service.ts';

await runService(process, {
  description: 'Feature sets: SQL over the past, materialised by day, exported as Parquet, served as vectors.',
  settings,
  create: createFeaturesService,
});
