import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const downloadTimeoutMs = 180_000;

interface Source {
  /** A Go module whose archive carries the definitions. */
  readonly module: string;
  /** The version that the chart of versions.json brings, or the nearest that the module proxy has. */
  readonly version: string;
  readonly folder: string;
}

const sources: readonly Source[] = [
  { module: 'sigs.k8s.io/karpenter', version: 'v1.8.2', folder: 'pkg/apis/crds' },
  { module: 'github.com/aws/karpenter-provider-aws', version: 'v1.9.3', folder: 'pkg/apis/crds' },
  { module: 'github.com/kedacore/keda/v2', version: 'v2.18.1', folder: 'config/crd/bases' },
  { module: 'sigs.k8s.io/gateway-api', version: 'v1.4.0', folder: 'config/crd/standard' },
  { module: 'github.com/envoyproxy/gateway', version: 'v1.6.3', folder: 'charts/gateway-helm/crds/generated' },
  { module: 'github.com/cert-manager/cert-manager', version: 'v1.19.1', folder: 'deploy/crds' },
  { module: 'github.com/external-secrets/external-secrets', version: 'v1.3.2', folder: 'config/crds/bases' },
  {
    module: 'github.com/prometheus-operator/prometheus-operator',
    version: 'v0.85.0',
    folder: 'example/prometheus-operator-crd',
  },
];

export interface Definitions {
  /** Files of custom resource definitions, one a plural name. */
  readonly files: readonly string[];
  /** `module@version` of what could not be had. */
  readonly missing: readonly string[];
}

/**
 * Definitions of custom resources as their authors publish them, from the archives of Go modules, which the checksum database vouches
 * for. Strimzi's and Altinity's are in no archive that the proxy has. Undefined where there is no Go.
 */
export async function fetchDefinitions(): Promise<Definitions | undefined> {
  const cache = await moduleCache();
  if (cache === undefined) return undefined;
  const files = new Map<string, string>();
  const missing: string[] = [];
  for (const { module, version, folder } of sources) {
    // Its code is for a younger Go than ours may be: then the command fails after it has unpacked a verified archive.
    await go('mod', 'download', `${module}@${version}`).catch(() => undefined);
    const unpacked = join(cache, `${module}@${version}`, folder);
    if (!existsSync(unpacked)) missing.push(`${module}@${version}`);
    // The first to define a name wins: the provider of AWS carries a copy of what Karpenter itself defines.
    for (const name of globSync('*_*.yaml', { cwd: unpacked })) {
      if (!files.has(name)) files.set(name, join(unpacked, name));
    }
  }
  return { files: [...files.values()], missing };
}

async function moduleCache(): Promise<string | undefined> {
  try {
    return (await go('env', 'GOMODCACHE')).trim();
  } catch {
    return undefined;
  }
}

async function go(...words: string[]): Promise<string> {
  const options = { cwd: tmpdir(), env: { ...process.env, GOFLAGS: '' }, timeout: downloadTimeoutMs };
  return (await run('go', words, options)).stdout;
}
