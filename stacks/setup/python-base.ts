import { fileURLToPath } from 'node:url';
import { CommandError } from '../errors.ts';
import { execute } from './execution.ts';
import { asRoot, findProgram, isDebianLike, type Host } from './host.ts';

const MINOR_MIN = 11;
const PROBE_TIMEOUT_MS = 10_000;
const PROBE_FILE = fileURLToPath(new URL('python-probe.py', import.meta.url));
/** The Pythons that the lock file holds wheels for come first; `python3` is whatever the machine has. */
const CANDIDATES = ['python3.13', 'python3.12', 'python3.11', 'python3'];

/** A Python of the host from which an environment can be made. */
export interface BasePython {
  readonly program: string;
  /** For example `3.11`. */
  readonly minor: string;
  /** For example `linux-x86_64`. */
  readonly platform: string;
}

interface Probed extends BasePython {
  readonly version: string;
  readonly isRecent: boolean;
  readonly hasVenv: boolean;
}

/** The first Python of version 3.11 or later that can make environments; ORRERY_PYTHON_BASE names one instead. */
export async function findPython(host: Host): Promise<BasePython> {
  const chosen = host.env['ORRERY_PYTHON_BASE'];
  const names = chosen === undefined || chosen === '' ? CANDIDATES : [chosen];
  const seen: Probed[] = [];
  for (const name of names) {
    const program = findProgram(host, name);
    const probed = program === undefined ? undefined : await probe(program, host);
    if (probed?.isRecent === true && probed.hasVenv) return probed;
    if (probed !== undefined) seen.push(probed);
  }
  throw unusable(host, seen, chosen);
}

async function probe(program: string, { env }: Host): Promise<Probed | undefined> {
  const { code, output } = await execute(program, ['-I', PROBE_FILE], { env, timeoutMs: PROBE_TIMEOUT_MS });
  const answer = code === 0 ? /^\{.*\}$/m.exec(output)?.[0] : undefined;
  if (answer === undefined) return undefined;
  const { version, platform, venv } = JSON.parse(answer) as { version: string; platform: string; venv: boolean };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isRecent = major === 3 && minor >= MINOR_MIN;
  return { program, version, minor: `${major}.${minor}`, platform, isRecent, hasVenv: venv };
}

function unusable(host: Host, seen: readonly Probed[], chosen: string | undefined): CommandError {
  const recent = seen.find(({ isRecent }) => isRecent);
  if (recent !== undefined) {
    return new CommandError({
      code: 'PYTHON_WITHOUT_VENV',
      message: `${recent.program} (Python ${recent.version}) can't make environments: its venv or ensurepip module is missing`,
      hint: installHint(host),
    });
  }
  const old = seen[0];
  if (old !== undefined) {
    return new CommandError({
      code: 'PYTHON_TOO_OLD',
      message: `${old.program} is Python ${old.version}; training needs 3.${MINOR_MIN} or later`,
      hint: `${installHint(host)}, or set ORRERY_PYTHON_BASE to a Python 3.${MINOR_MIN} or later`,
    });
  }
  return new CommandError({
    code: 'PYTHON_MISSING',
    message: `training needs Python 3.${MINOR_MIN} or later; there is no ${chosen ?? CANDIDATES.join(', ')} that works here`,
    hint: installHint(host),
  });
}

function installHint(host: Host): string {
  if (host.platform === 'darwin') return 'type: brew install python@3.13';
  if (isDebianLike(host)) return `type: ${asRoot(host, 'apt-get install -y python3 python3-venv')}`;
  return `install Python 3.${MINOR_MIN} or later with its venv module, then run the same command again`;
}
