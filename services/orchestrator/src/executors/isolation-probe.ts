import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, OrreryError } from '@orrery/kit/errors';
import { silentLog } from '@orrery/kit/log';
import { runProgram, type ProgramDeps } from './program.ts';
import { isolationCandidates, type Isolation } from './sandbox.ts';
import type { Workspace } from './workspace.ts';

/** What a program consists of, as far as its files go. */
export interface ProgramFiles {
  readonly folder: string;
  readonly command: readonly string[];
}

const probeMs = 10_000;
const probeLimits = { memoryMiB: 256, processesMax: 32, outputMiB: 16, cpuSeconds: 30 };
/** Reads the program, passes into its folder, and writes where the program will write. */
const probeCommand = 'head -c 1 "$1" >/dev/null && cd "$2" && ls >/dev/null && cd "$3" && : >tmp/probe && rm tmp/probe';

/**
 * The strongest isolation that works here for this program, found by trying each: what a kernel, a container and the rights of
 * files allow together can't be told otherwise.
 */
export async function findIsolation(
  program: ProgramFiles,
  surroundings: ProgramDeps & {
    readonly environment: Readonly<Record<string, string>>;
    readonly uid: number;
    readonly makeWorkspace: () => Promise<Workspace>;
  },
): Promise<Isolation> {
  const [first = ''] = program.command;
  const file = await realpath(first).catch(() => first);
  const root = process.getuid?.() === 0;
  const reasons: string[] = [];
  for (const isolation of isolationCandidates({ root, linux: surroundings.platform === 'linux' })) {
    const workspace = await surroundings.makeWorkspace();
    if (isolation.becomes === 'own-user') await workspace.giveTo(surroundings.uid);
    const command = ['/bin/sh', '-c', probeCommand, 'probe', file, program.folder, join(workspace.folder)];
    const { environment, uid } = surroundings;
    const run = { isolation, workspace, command, environment, uid, limits: probeLimits };
    try {
      const signal = AbortSignal.timeout(probeMs);
      // What a weaker candidate is for is no news: only the choice is logged.
      await runProgram({ ...run, signal, onStage: () => undefined }, { ...surroundings, log: silentLog() });
      return isolation;
    } catch (error) {
      reasons.push(messageOf(error));
    } finally {
      await workspace.remove();
    }
  }
  throw new OrreryError({
    code: 'ISOLATION_IMPOSSIBLE',
    message: `${file} can't be started in any isolation: ${reasons.at(-1) ?? ''}`,
    hint: 'check that the program is there and that it can be read',
  });
}
