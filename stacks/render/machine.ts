import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedOf } from './perturbation.ts';
import type { Perturbation } from './protocol.ts';

/** What of a machine is decided before a process starts. */
export interface Machine {
  readonly environment: Readonly<Record<string, string>>;
  /** The working directory; undefined: the bundle's own. */
  readonly folder: string | undefined;
  readonly remove: () => void;
}

const timezones = [
  'UTC',
  'Pacific/Kiritimati',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Pacific/Pago_Pago',
  'Europe/Paris',
];
const locales = ['C', 'tr_TR.UTF-8', 'ar_EG.UTF-8', 'de_DE.UTF-8', 'ja_JP.UTF-8', 'hi_IN.UTF-8', 'sv_SE.UTF-8'];

/** The machine of a perturbation. Without one the environment is empty: nothing of the caller's reaches the program. */
export function machineOf(perturbation: Perturbation | undefined): Machine {
  if (perturbation === undefined) return { environment: {}, folder: undefined, remove: () => undefined };
  const timezone = seedOf(perturbation, 'timezone');
  const locale = seedOf(perturbation, 'locale');
  const surroundings = seedOf(perturbation, 'environment');
  const folder =
    seedOf(perturbation, 'folder') === 0 ? undefined : realpathSync(mkdtempSync(join(tmpdir(), 'render-')));
  return {
    environment: {
      TZ: timezones[timezone % timezones.length] ?? 'UTC',
      LC_ALL: locales[locale % locales.length] ?? 'C',
      ...(surroundings === 0 ? {} : environmentOf(surroundings)),
    },
    folder,
    remove: () => {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

const variables = ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE', 'HOSTNAME', 'LOGNAME', 'ORRERY_STATE', 'USER'];
const folders = ['HOME', 'KUBECONFIG', 'PWD', 'TMPDIR', 'XDG_CONFIG_HOME'];
/** Those of the Kubernetes provider decide its settings where a program leaves them open. */
const switches = [
  'CI',
  'PULUMI_K8S_DELETE_UNREACHABLE',
  'PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE',
  'PULUMI_K8S_ENABLE_PATCH_FORCE',
  'PULUMI_K8S_ENABLE_SECRET_MUTABLE',
  'PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY',
  'PULUMI_K8S_SKIP_UPDATE_UNREACHABLE',
  'PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS',
  'PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS',
  'PULUMI_K8S_UPSERT_EXISTING_OBJECTS',
];

/** Variables that programs and SDKs like to read; none of them may decide what a cloud is. */
function environmentOf(seed: number): Record<string, string> {
  return Object.fromEntries([
    ...variables.map((name) => [name, `other-${seed}`]),
    ...folders.map((name) => [name, `/home/other-${seed}/${name.toLowerCase()}`]),
    ...switches.map((name) => [name, String(seed % 2 === 0)]),
  ]) as Record<string, string>;
}
