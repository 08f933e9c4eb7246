import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PulumiProject } from '#test/support/pulumi-project.ts';
import { enginePath } from './plugins.ts';

const run = promisify(execFile);
export const commandTimeoutMs = 300_000;

export interface EngineAnswer {
  readonly code: number;
  readonly output: string;
}

/** Runs the engine on a project with a backend inside it, so that it touches nothing that outlives the test. */
export async function pulumi(project: PulumiProject, environment: string, ...args: string[]): Promise<EngineAnswer> {
  const env = {
    ...process.env,
    PATH: enginePath(),
    PULUMI_BACKEND_URL: `file://${join(project.folder, 'backend')}`,
    PULUMI_CONFIG_PASSPHRASE: 'of a test',
    STANDIN_CLOUD: join(project.folder, 'cloud'),
    STANDIN_KUBECONFIG: project.kubeconfig,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    // Lets commands write their events to a file.
    PULUMI_DEBUG_COMMANDS: 'true',
    NO_COLOR: '1',
  };
  const options = { cwd: project.folder, env, timeout: commandTimeoutMs, maxBuffer: 64 * 1024 * 1024 };
  try {
    const { stdout, stderr } = await run('pulumi', [...args, '--non-interactive', '--stack', environment], options);
    return { code: 0, output: args.includes('--json') ? stdout : `${stdout}${stderr}` };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? -1, output: `${failed.stdout ?? ''}${failed.stderr ?? ''}` };
  }
}

/** A stack of a project whose state lies in the project's own folder. */
export async function initStack(project: PulumiProject, environment: string): Promise<void> {
  mkdirSync(join(project.folder, 'backend'), { recursive: true });
  const { code, output } = await pulumi(project, environment, 'stack', 'init');
  if (code !== 0) throw new Error(`pulumi stack init failed: ${output}`);
}

/** A real provider of AWS wants an account even for a preview; without one there is nothing to check here. */
export function lacksAccount({ output }: EngineAnswer): boolean {
  return /no valid credential|InvalidClientTokenId|failed to refresh cached credentials|no EC2 IMDS role/i.test(output);
}
