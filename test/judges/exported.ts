import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { kubernetesYaml } from '#policies/export/kubernetes-objects.ts';
import { terraformPlan } from '#policies/export/terraform-plan.ts';
import type { Graph } from '#policies/graph.ts';
import { execute } from '#stacks/setup/execution.ts';
import { ROOT } from '#test/architecture/tree.ts';

export type EnvironmentName = 'dev' | 'prod';
export const environments: readonly EnvironmentName[] = ['dev', 'prod'];

const renderTimeoutMs = 240_000;

/** What a judge of somebody else's is shown: the two halves of an environment. */
export interface Exported {
  readonly plan: string;
  readonly objects: string;
}

export interface Skip {
  readonly rule: string;
  readonly environments: readonly string[];
  /** Names, as the judge tells them. Default: all. */
  readonly resources?: readonly string[];
  readonly reason: string;
}

/** What a judge objects to. */
export interface Finding {
  readonly rule: string;
  readonly resource: string;
}

let exporting: Promise<Readonly<Record<EnvironmentName, Exported>>> | undefined;

/** The working tree's environments as `orrery policy --export` writes them: once for all judges, since it takes a while. */
export function exportEnvironments(): Promise<Readonly<Record<EnvironmentName, Exported>>> {
  return (exporting ??= exportAll());
}

async function exportAll(): Promise<Readonly<Record<EnvironmentName, Exported>>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'orrery-judges-'));
  const words = ['stacks/cli/main.ts', 'policy', ...environments, '--export', folder];
  const { code, output } = await execute(process.execPath, words, {
    env: { ...process.env, ORRERY_STATE: path.join(folder, 'state') },
    cwd: ROOT,
    timeoutMs: renderTimeoutMs,
  });
  // 3: our own rules object, which their tests tell.
  if (code !== 0 && code !== 3) throw new Error(`orrery policy ended with ${code ?? 'no code'}: ${output}`);
  const of = (name: EnvironmentName): Exported => ({
    plan: path.join(folder, `${name}.plan.json`),
    objects: path.join(folder, `${name}.objects.yaml`),
  });
  return { dev: of('dev'), prod: of('prod') };
}

/** A graph of a test's own, as files. */
export function exportGraph(graph: Graph): Exported {
  const folder = mkdtempSync(path.join(tmpdir(), 'orrery-judges-'));
  const [plan, objects] = [path.join(folder, 'planted.plan.json'), path.join(folder, 'planted.objects.yaml')];
  writeFileSync(plan, JSON.stringify(terraformPlan(graph)));
  writeFileSync(objects, kubernetesYaml(graph));
  return { plan, objects };
}

/** The only list of what is left as it is. */
export function skipsOf(judge: 'checkov' | 'kube-score'): readonly Skip[] {
  const text = readFileSync(path.join(ROOT, 'policies', 'judges', 'skips.yaml'), 'utf8');
  return (parse(text) as Readonly<Record<string, readonly Skip[]>>)[judge] ?? [];
}

/** Rules that are told to be skipped although nothing would be found: an entry that has outlived its reason. */
export function idleSkips(
  judge: 'checkov' | 'kube-score',
  environment: string,
  findings: readonly Finding[],
): string[] {
  return skipsOf(judge)
    .filter(({ environments: names }) => names.includes(environment))
    .filter(({ rule, resources }) => {
      const found = findings.filter((finding) => finding.rule === rule).map(({ resource }) => resource);
      return found.length === 0 || resources?.some((resource) => !found.includes(resource)) === true;
    })
    .map(({ rule }) => rule);
}

/** Those of the findings that no entry of the list covers. */
export function unskipped<F extends Finding>(
  judge: 'checkov' | 'kube-score',
  environment: string,
  findings: readonly F[],
): F[] {
  const skips = skipsOf(judge).filter(({ environments: names }) => names.includes(environment));
  return findings.filter(
    ({ rule, resource }) => !skips.some((skip) => skip.rule === rule && (skip.resources?.includes(resource) ?? true)),
  );
}
