import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatProblem, readDefinition } from '@orrery/contracts/definition';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import { definitionsInvalid, definitionsUnreadable, unknownPipeline } from './errors.ts';

export interface LoadedPipeline {
  readonly definition: Pipeline;
  readonly digest: Digest;
  /** Whose pipeline it is: no other tenant sees it, and its rows carry this name. */
  readonly tenant: string;
}

export interface Pipelines {
  /** Throws `PIPELINE_NOT_FOUND` also for what belongs to another tenant. */
  get(tenant: string, name: string): LoadedPipeline;
  list(tenant: string): LoadedPipeline[];
  readonly all: readonly LoadedPipeline[];
}

/** Reads `pipelines/*.yaml`. Throws `DEFINITIONS_INVALID` with every problem of every file. */
export async function loadPipelines(definitionsFolder: string): Promise<Pipelines> {
  const folder = join(definitionsFolder, 'pipelines');
  const problems: string[] = [];
  const all: LoadedPipeline[] = [];
  for (const [file, text] of await readFiles(folder)) {
    const result = readDefinition(text, `pipelines/${file}`);
    if (!result.ok) problems.push(...result.problems.map(formatProblem));
    else if (result.value.kind !== 'Pipeline')
      problems.push(`pipelines/${file}:1:1 this is a ${result.value.kind}\n    move it`);
    else all.push(loaded(result.value));
  }
  for (const [index, { definition, tenant }] of all.entries()) {
    const earlier = all.findIndex((other) => other.tenant === tenant && other.definition.name === definition.name);
    if (earlier < index) problems.push(`two files define the pipeline "${definition.name}"\n    rename one of them`);
  }
  if (problems.length > 0) throw definitionsInvalid(problems);
  return {
    all,
    list: (tenant) => all.filter((pipeline) => pipeline.tenant === tenant),
    get: (tenant, name) => {
      const own = all.filter((pipeline) => pipeline.tenant === tenant);
      const found = own.find((pipeline) => pipeline.definition.name === name);
      if (found !== undefined) return found;
      throw unknownPipeline(
        name,
        own.map((pipeline) => pipeline.definition.name),
      );
    },
  };
}

async function readFiles(folder: string): Promise<[string, string][]> {
  try {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
    return await Promise.all(
      files.map(async (file): Promise<[string, string]> => [file, await readFile(join(folder, file), 'utf8')]),
    );
  } catch (error) {
    throw definitionsUnreadable(folder, error);
  }
}

function loaded(definition: Pipeline): LoadedPipeline {
  return { definition, digest: digestOf('definition', definition), tenant: definition.tenant ?? 'main' };
}
