import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { kubernetesYaml } from '#policies/export/kubernetes-objects.ts';
import { terraformPlan } from '#policies/export/terraform-plan.ts';
import type { Graph } from '#policies/graph.ts';
import { judge, type Finding, type Pack } from '#policies/pack.ts';
import { assembleWorkingTree, freezeFile, loadWorkingTree, type Assembled } from '../change/load.ts';
import { sharedEnvironments } from '../change/naming.ts';
import { projectGraph } from '../change/projection.ts';
import { CommandError, messageOf } from '../errors.ts';
import { readPin } from '../promotion/pin.ts';
import { packOfTree } from '../promotion/policies.ts';
import { readRelease } from '../release/records.ts';
import { assertEnvironment } from './environment-name.ts';
import { textOption, type Verb, type VerbContext } from './verb.ts';

export const policy: Verb = {
  name: 'policy',
  summary: 'judge what the working tree asks of its clouds',
  wordsMax: 16,
  usage: '[ENV...] [--export DIR]',
  help: `Renders the working tree in the settings of Pulumi.<ENV>.yaml, without a cloud, and judges it by the rules of policies/. Exit code
3 when one is broken. Without ENV: every environment that has a file, but local. --export DIR writes for other judges, per ENV:
ENV.plan.json, the AWS half as a Terraform plan, and ENV.objects.yaml, our objects of Kubernetes. Example:
  npx orrery policy prod --export judged && checkov -f judged/prod.plan.json`,
  options: { export: { type: 'string' } },
  async run(context, { words, values }) {
    const { places, progress } = context;
    const chosen = words.map((word) => assertEnvironment(places, word));
    const environments = chosen.length > 0 ? [...new Set(chosen)] : sharedEnvironments(places);
    const folder = textOption(values, 'export');
    const assembled = await assembleWorkingTree(places, progress);
    const judged: Judged[] = [];
    for (const environment of environments) {
      const graph = await graphOf(context, environment, assembled);
      if (folder !== undefined) writeExports(folder, environment, graph);
      const pack = packOfTree(environment);
      judged.push({ environment, resources: graph.resources.length, rules: pack.rules, findings: judge(graph, pack) });
    }
    return {
      json: { environments: judged.map(({ rules, ...rest }) => ({ ...rest, rules: rules.map(({ name }) => name) })) },
      text: judged.map(show).join('\n\n'),
      exitCode: judged.some(({ findings }) => findings.length > 0) ? 3 : 0,
    };
  },
};

interface Judged {
  readonly environment: string;
  readonly resources: number;
  readonly rules: Pack['rules'];
  readonly findings: readonly Finding[];
}

/** What the tree means, with the live pairs of what the environment stands on; components make nothing by themselves. */
async function graphOf({ places, progress }: VerbContext, environment: string, assembled: Assembled): Promise<Graph> {
  const pin = readPin(places, environment);
  const live = pin === undefined ? {} : readRelease(places, pin.release).release.live;
  const on = { environment, binding: freezeFile(places, environment) };
  const { graph = [] } = await loadWorkingTree(places, assembled, { on, live }).render(progress);
  return projectGraph(graph);
}

function writeExports(folder: string, environment: string, graph: Graph): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `${environment}.plan.json`), `${JSON.stringify(terraformPlan(graph), null, 2)}\n`);
    writeFileSync(path.join(folder, `${environment}.objects.yaml`), kubernetesYaml(graph));
  } catch (cause) {
    throw new CommandError({
      code: 'EXPORT_FAILED',
      message: `${environment} can't be written for other judges: ${messageOf(cause)}`,
      hint: 'name a folder of yours: --export DIR; a type that has no name yet gets one in policies/export/terraform-types.ts',
      cause,
    });
  }
}

/** By rule: what is wrong where, why it matters, what to do. */
function show({ environment, resources, rules, findings }: Judged): string {
  const broken = rules.filter(({ name }) => findings.some(({ rule }) => rule === name));
  const verdict = broken.length === 0 ? 'ok' : `${findings.length} violations of ${broken.length} rules`;
  const head = `${environment}: ${verdict}  (${resources} resources, ${rules.length} rules)`;
  const sections = broken.map(({ name, why, remedy }) => {
    const places = findings.filter(({ rule }) => rule === name);
    const lines = places.map(({ resource, property, value, problem }) => {
      const stands = value === undefined ? '' : ` = ${shorten(JSON.stringify(value))}`;
      return `    ${resource}\n      ${property}${stands}: ${problem}`;
    });
    return [`  ${name}: ${why}`, ...lines, `    to do: ${remedy}`].join('\n');
  });
  return [head, ...sections].join('\n');
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
