// A provider plugin of the engine: pulumi-resource-kubernetes. STANDIN_CLOUD names the folder of its cloud; STANDIN_KUBECONFIG, where
// it is set, a real cluster to which everything but helm releases is applied.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import manifest from '@pulumi/kubernetes/package.json' with { type: 'json' };
import { ApiServer } from './api-server.ts';
import { CloudFile } from './cloud-file.ts';
import { KubernetesProvider } from './kubernetes-provider.ts';
import { serve } from './plugin-server.ts';

const folder = process.env['STANDIN_CLOUD'] ?? join(tmpdir(), 'orrery-cloud');
const kubeconfig = process.env['STANDIN_KUBECONFIG'] ?? '';
const server = kubeconfig === '' ? undefined : new ApiServer(kubeconfig);
const provider = new KubernetesProvider(new CloudFile(join(folder, 'kubernetes.json')), server);
serve(provider, { name: 'kubernetes', version: manifest.version });
