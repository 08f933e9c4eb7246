// A provider plugin of the engine: pulumi-resource-aws. STANDIN_CLOUD names the folder of its cloud.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '@pulumi/aws/package.json' with { type: 'json' };
import { AwsProvider } from './aws-provider.ts';
import { CloudFile } from './cloud-file.ts';
import { serve } from './plugin-server.ts';

const folder = process.env['STANDIN_CLOUD'] ?? join(tmpdir(), 'orrery-cloud');
serve(new AwsProvider(new CloudFile(join(folder, 'aws.json'))), { name: 'aws', version: manifest.version });
