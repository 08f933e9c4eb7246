import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CommandError } from '#stacks/errors.ts';
import { execute } from '#stacks/setup/execution.ts';
import { currentHost } from '#stacks/setup/host.ts';
import { ensurePython } from '#stacks/setup/python.ts';
import { ROOT } from '#test/architecture/tree.ts';
import type { Finding } from './exported.ts';

const runTimeoutMs = 180_000;

export interface Verdict {
  readonly passed: number;
  /** By rule, `CKV_…`, and resource. */
  readonly failed: readonly Finding[];
}

interface Report {
  readonly summary?: { readonly passed: number };
  readonly results?: { readonly failed_checks: readonly { readonly check_id: string; readonly resource: string }[] };
}

/**
 * The Python that has checkov, as policies/judges/requirements.txt locks it, installed once, under .orrery; where this machine or its
 * network can't, what is lacking. A package that is not the one that was locked is an error.
 */
export async function installCheckov(): Promise<{ readonly python: string } | { readonly lacked: string }> {
  const lockFile = path.join(ROOT, 'policies', 'judges', 'requirements.txt');
  const progress = (line: string) => process.stderr.write(`      ${line}\n`);
  try {
    return await ensurePython({ root: ROOT, lockFile, host: currentHost(), progress });
  } catch (error) {
    if (!(error instanceof CommandError) || /HASH/i.test(error.message)) throw error;
    return { lacked: error.message };
  }
}

/** Judges one file; nothing of it leaves this machine. */
export async function runCheckov(
  python: string,
  file: string,
  framework: 'kubernetes' | 'terraform_plan',
): Promise<Verdict> {
  const folder = mkdtempSync(path.join(tmpdir(), 'orrery-checkov-'));
  const told = ['--output', 'json', '--output-file-path', folder, '--compact', '--quiet'];
  const words = ['-m', 'checkov.main', '--file', file, '--framework', framework, ...told];
  const { output } = await execute(python, words, { env: process.env, timeoutMs: runTimeoutMs });
  const report = JSON.parse(readFileSync(path.join(folder, 'results_json.json'), 'utf8')) as Report;
  if (report.summary === undefined) throw new Error(`checkov judged nothing of ${file}: ${output.slice(0, 500)}`);
  const failed = report.results?.failed_checks ?? [];
  return {
    passed: report.summary.passed,
    failed: failed.map(({ check_id: rule, resource }) => ({ rule, resource })),
  };
}
