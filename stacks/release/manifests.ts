import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkTogether,
  formatProblem,
  readDefinition,
  readDocument,
  type WorkflowSource,
} from '@orrery/contracts/definition';
import { ServiceManifest } from '@orrery/contracts/service-manifest';
import { CommandError } from '../errors.ts';
import { readTree, type BundleFile } from './files.ts';

/** The folder of each kind of definition under `definitions/`. */
const definitionFolders = {
  workflow: 'workflows',
  pipeline: 'pipelines',
  'feature-set': 'features',
  model: 'models',
} as const;

/** Offsets below this belong to the environment itself: the deployer and the two Redis. */
const ownOffsetsMax = 2;

/** Every service's manifest, sorted by name. A broken one stops the release with all its problems. */
export function readManifests(root: string): ServiceManifest[] {
  const folder = join(root, 'services');
  const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'service.yaml')));
  const problems: string[] = [];
  const manifests = names.sort().flatMap((name) => {
    const file = `services/${name}/service.yaml`;
    const read = readDocument<ServiceManifest>(readFileSync(join(root, file), 'utf8'), file, ServiceManifest);
    if (read.ok) return [read.value];
    problems.push(...read.problems.map(formatProblem));
    return [];
  });
  for (const manifest of manifests) {
    for (const peer of manifest.peers.filter((peer) => !names.includes(peer))) {
      problems.push(
        `services/${manifest.name}/service.yaml names the unknown peer "${peer}"; services: ${names.join(', ')}`,
      );
    }
  }
  problems.push(...sharedPorts(manifests));
  if (problems.length > 0) throw invalid(problems);
  return manifests;
}

/** A service's definitions and what lies beside them, checked; paths relative to `definitions/`. */
export function readDefinitions(root: string, manifest: ServiceManifest): BundleFile[] {
  const folders = manifest.definitions.map((kind) => definitionFolders[kind]);
  const files = folders.flatMap((folder) =>
    readTree(join(root, 'definitions', folder)).map((file) => ({ ...file, path: `${folder}/${file.path}` })),
  );
  const workflows: WorkflowSource[] = [];
  const problems: string[] = [];
  for (const { path, content } of files.filter((file) => file.path.endsWith('.yaml'))) {
    const [text, file] = [content.toString('utf8'), `definitions/${path}`];
    const read = readDefinition(text, file);
    if (!read.ok) problems.push(...read.problems.map(formatProblem));
    else if (read.value.kind === 'Workflow') workflows.push({ file, text, workflow: read.value });
  }
  problems.push(...checkTogether(workflows).map(formatProblem));
  if (problems.length > 0) throw invalid(problems);
  return files;
}

/** Everything that is wrong in what people wrote, at once. */
export function invalid(problems: readonly string[]): CommandError {
  const hint = 'mend every place above and commit; nothing was made';
  return new CommandError({ code: 'DEFINITION_INVALID', message: problems.join('\n'), hint });
}

function sharedPorts(manifests: readonly ServiceManifest[]): string[] {
  const taken = new Map<number, string>();
  return manifests.flatMap(({ name, ports }) => {
    const offset = ports.http?.default;
    if (offset === undefined) return [];
    const other = offset <= ownOffsetsMax ? 'the environment itself' : taken.get(offset);
    taken.set(offset, name);
    return other === undefined
      ? []
      : [`services/${name}/service.yaml has port offset ${offset}, which belongs to ${other}`];
  });
}
