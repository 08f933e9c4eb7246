import { readFileSync } from 'node:fs';
import { formatProblem, readDefinition, type Problem } from '@orrery/contracts/definition';
import { digestOf } from '@orrery/contracts/digest';
import { CommandError, messageOf } from '../errors.ts';
import { required } from './release.ts';
import type { Verb } from './verb.ts';

interface Checked {
  readonly file: string;
  readonly problems: readonly Problem[];
  /** What the file defines, when nothing is wrong with it. */
  readonly kind?: string;
  readonly name?: string;
  readonly digest?: string;
  readonly steps?: number;
}

export const workflowCheck: Verb = {
  name: 'workflow check',
  summary: 'check a definition: every mistake with its line and the nearest valid word',
  wordsMax: 100,
  usage: 'FILE…',
  help: `Needs no running environment. Exit code 1 when something is wrong. What only an environment knows, such as which services and
programs there are, is checked when it starts.
Example: npx orrery workflow check definitions/workflows/hello.yaml`,
  run: async (_context, { words }) => {
    required(words, 'FILE', 'workflow check');
    const checked = words.map(checkFile);
    const text = checked.map(describe).join('\n');
    return { json: checked, text, exitCode: checked.some(({ problems }) => problems.length > 0) ? 1 : 0 };
  },
};

function checkFile(file: string): Checked {
  const read = readDefinition(readText(file), file);
  if (!read.ok) return { file, problems: read.problems };
  const { kind, name } = read.value;
  if (read.value.kind !== 'Workflow') return { file, problems: [], kind, name };
  return { file, problems: [], kind, name, digest: digestOf('workflow', read.value), steps: read.value.steps.length };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const hint = 'name a file of definitions/, for example definitions/workflows/hello.yaml';
    throw new CommandError({
      code: 'NO_FILE',
      message: `${file} can't be read: ${messageOf(cause)}`,
      hint,
      exitCode: 2,
      cause,
    });
  }
}

function describe({ file, problems, kind = '', name = '', digest, steps }: Checked): string {
  if (problems.length > 0) return problems.map(formatProblem).join('\n');
  const what = digest === undefined ? '' : `, ${steps ?? 0} steps, ${digest}`;
  return `${file}: ${kind} ${name}${what}`;
}
