import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, type Digest } from '@orrery/contracts/digest';
import { formatProblem, readDefinition } from '@orrery/contracts/definition';
import type { Model } from '@orrery/contracts/definitions/model';
import { OrreryError } from '@orrery/kit/errors';

export interface DefinedModel {
  readonly definition: Model;
  readonly digest: Digest;
}

/** The model definitions of the release. Throws `DEFINITION_INVALID` with every problem of every file. */
export async function loadModels(folder: string): Promise<ReadonlyMap<string, DefinedModel>> {
  const files = await readdir(folder).catch(() => []);
  const problems: string[] = [];
  const models = new Map<string, DefinedModel>();
  for (const file of files.filter((name) => name.endsWith('.yaml')).sort()) {
    const read = readDefinition(await readFile(join(folder, file), 'utf8'), `models/${file}`);
    if (!read.ok) problems.push(...read.problems.map(formatProblem));
    else if (read.value.kind !== 'Model') problems.push(`models/${file} is a ${read.value.kind}, not a Model`);
    else models.set(read.value.name, { definition: read.value, digest: digestOf('definition', read.value) });
  }
  if (problems.length === 0) return models;
  throw new OrreryError({ code: 'DEFINITION_INVALID', message: problems.join('\n'), hint: 'mend every place above' });
}
