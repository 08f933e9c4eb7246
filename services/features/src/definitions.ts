import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatProblem, readDefinition, type Problem } from '@orrery/contracts/definition';
import type { FeatureSet } from '@orrery/contracts/definitions/feature-set';
import { compileFeatureSet, type CompiledFeatureSet } from './compiler.ts';
import { definitionsInvalid, definitionsUnreadable } from './errors.ts';
import { locateInTemplate } from './template-place.ts';

/** The feature sets of a release, compiled. Throws one error with every problem of every file. */
export async function readFeatureSets(definitionsFolder: string): Promise<CompiledFeatureSet[]> {
  const folder = join(definitionsFolder, 'features');
  const files = await readdir(folder).catch((cause: unknown) => {
    throw definitionsUnreadable(folder, cause);
  });
  const sets: CompiledFeatureSet[] = [];
  const problems: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.yaml')).sort()) {
    const text = await readFile(join(folder, file), 'utf8');
    const read = readFeatureSet(text, `features/${file}`);
    if (read.ok) sets.push(read.compiled);
    else problems.push(...read.problems.map(formatProblem));
  }
  problems.push(...findDoubles(sets));
  if (problems.length > 0) throw definitionsInvalid(problems);
  return sets;
}

export type ReadFeatureSet =
  | { readonly ok: true; readonly compiled: CompiledFeatureSet }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Reads and compiles one definition; problems have the line and the column in the file, inside the template too. */
export function readFeatureSet(text: string, file: string): ReadFeatureSet {
  const read = readDefinition(text, file);
  if (!read.ok) return read;
  if (read.value.kind !== 'FeatureSet') {
    const message = `a ${read.value.kind} stands among the feature sets`;
    return { ok: false, problems: [{ file, line: 1, column: 1, message, hint: 'write kind: FeatureSet, or move it' }] };
  }
  const definition: FeatureSet = read.value;
  const result = compileFeatureSet(definition);
  return result.ok ? result : { ok: false, problems: locateInTemplate(text, file, result.problems) };
}

function findDoubles(sets: readonly CompiledFeatureSet[]): string[] {
  const names = sets.map(({ tenant, definition }) => `${tenant}/${definition.name}`);
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `the feature set ${name} is defined twice`);
}
