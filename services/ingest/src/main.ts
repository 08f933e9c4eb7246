import { runService } from '@orrery/kit/service';
import { Settings } from './config.ts';
import { createIngestService } from './service.ts';

await runService(process, {
  description: 'Takes files into ClickHouse by pipelines: each row once, or kept with the reason why not.',
  settings: Settings,
  create: createIngestService,
});
