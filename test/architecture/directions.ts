import path from 'node:path';
import typescript from 'typescript';

/** What each part of the house may import of ours, beside itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  contracts: [],
  kit: [],
  worker: [],
  infra: [],
  policies: [],
  service: ['contracts', 'kit'],
  stacks: ['infra', 'policies', 'contracts', 'kit'],
  program: ['infra', 'policies', 'contracts'],
  test: ['contracts', 'kit', 'worker', 'infra', 'policies', 'service', 'stacks', 'program', 'bench'],
  bench: ['contracts', 'kit', 'worker', 'infra', 'policies', 'service', 'stacks', 'program'],
};

/** One unit of the house: a top-level folder, or one workspace. */
interface Part {
  readonly kind: string;
  readonly folder: string;
}

/** Why a file of ours must not have this import; undefined when it may. Files are paths from the repository's root. */
export function violationOf(file: string, specifier: string): string | undefined {
  const from = partOf(file);
  const target = targetOf(file, specifier);
  if (from === undefined || target === undefined) return undefined;
  if (/^(\.\.\/){2,}/.test(specifier)) return `${file} climbs by ${specifier}: at most one ../ inside a package`;
  if (/^@orrery\/[^/]+$|^@orrery\/[^/]+\/src\//.test(specifier))
    return `${file} imports ${specifier}: name an exports subpath`;
  const to = partOf(target);
  if (to === undefined || to.folder === from.folder || ALLOWED[from.kind]?.includes(to.kind) === true) return undefined;
  return `${file} imports ${specifier}: ${from.folder} must not import ${to.folder}`;
}

/** Every module that a source text names: by import, export, dynamic import, require or a type. */
export function importsIn(text: string): string[] {
  return typescript.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function partOf(file: string): Part | undefined {
  const [top = '', name = ''] = file.split('/');
  // The Pulumi program and what it composes stand directly in stacks/.
  if (top === 'stacks' && name.endsWith('.ts')) return { kind: 'program', folder: top };
  if (top !== 'services') return top in ALLOWED ? { kind: top, folder: top } : undefined;
  const kind = ['contracts', 'kit', 'worker'].includes(name) ? name : 'service';
  return { kind, folder: `services/${name}` };
}

/** The path from the root that a specifier of ours means; undefined for a package or a module of Node's. */
function targetOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return path.posix.join(path.posix.dirname(file), specifier);
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier.startsWith('@orrery/')) return specifier.replace('@orrery/', 'services/');
  return undefined;
}
