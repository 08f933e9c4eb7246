import { execute } from '#stacks/setup/execution.ts';

const CHECK_MAX_MS = 10 * 60_000;

interface Check {
  readonly name: string;
  /** Arguments of the pinned Node, from the repository's root. */
  readonly args: readonly string[];
}

/** In the order in which they start; the slowest first. */
const CHECKS: readonly Check[] = [
  { name: 'lint', args: ['node_modules/eslint/bin/eslint.js', '.'] },
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '--noEmit'] },
  { name: 'format', args: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'] },
];
const AT_ONCE = 2;

/** Format, lint and types, two at a time; returns the names of those that failed. */
export async function runChecks(root: string, print: (line: string) => void): Promise<string[]> {
  const waiting = [...CHECKS];
  const failed: string[] = [];
  const work = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      if (!(await passes(check, root, print))) failed.push(`check: ${check.name}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return failed;
}

async function passes({ name, args }: Check, root: string, print: (line: string) => void): Promise<boolean> {
  const startedMs = performance.now();
  const { code, output } = await execute(process.execPath, args, {
    env: process.env,
    cwd: root,
    timeoutMs: CHECK_MAX_MS,
  });
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  print(`  ${code === 0 ? 'ok    ' : 'failed'} ${name} (${seconds} s)`);
  if (code !== 0) print(output.trimEnd());
  return code === 0;
}
