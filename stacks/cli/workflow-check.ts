import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  checkTogether,
  formatProblem,
  readDefinition,
  type Problem,
  type WorkflowSource,
} from '@orrery/contracts/definition';
import { digestOf } from '@orrery/contracts/digest';
import { CommandError, messageOf } from '../errors.ts';
import { required } from './release.ts';
import type { Verb } from './verb.ts';

interface Checked {
  readonly file: string;
  /** Of a workflow in which nothing is wrong by itself. */
  readonly source?: WorkflowSource;
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
programs there are, is checked when it starts. A workflow that the end of another starts is also held against the workflows
beside it: they must not start each other all the way round.
Example: npx orrery workflow check definitions/workflows/hello.yaml`,
  run: async (_context, { words }) => {
    required(words, 'FILE', 'workflow check');
    const read = words.map(checkFile);
    const round = checkRound(read.flatMap(({ source }) => source ?? []));
    const checked = read.map(({ source: _, ...found }) => {
      const problems = [...found.problems, ...round.filter(({ file }) => file === found.file)];
      return problems.length === 0 ? found : { file: found.file, problems };
    });
    const text = checked.map(describe).join('\n');
    return { json: checked, text, exitCode: checked.some(({ problems }) => problems.length > 0) ? 1 : 0 };
  },
};

function checkFile(file: string): Checked {
  const text = readText(file);
  const read = readDefinition(text, file);
  if (!read.ok) return { file, problems: read.problems };
  const { kind, name } = read.value;
  if (read.value.kind !== 'Workflow') return { file, problems: [], kind, name };
  const source = { file, text, workflow: read.value };
  const found = { kind, name, digest: digestOf('workflow', read.value), steps: read.value.steps.length };
  return { file, problems: [], ...found, source };
}

/** Workflows that start each other, told at those that were named: only what another workflow starts can be among them. */
function checkRound(named: readonly WorkflowSource[]): Problem[] {
  const started = named.filter(({ workflow }) => workflow.triggers.some((trigger) => 'workflow' in trigger));
  const seen = new Set(named.map(({ file }) => resolve(file)));
  const folders = new Set(started.map(({ file }) => dirname(file)));
  const beside = [...folders].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
      .map(({ name }) => join(folder, name))
      .filter((file) => !seen.has(resolve(file))),
  );
  return checkTogether([...named, ...beside.flatMap(readBeside)]);
}

/** Nothing of a file in which something is wrong: that is told when it is named. */
function readBeside(file: string): WorkflowSource[] {
  const text = readText(file);
  const read = /\bWorkflow\b/.test(text) ? readDefinition(text, file) : undefined;
  return read?.ok === true && read.value.kind === 'Workflow' ? [{ file, text, workflow: read.value }] : [];
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
