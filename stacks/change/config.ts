import type { ReleasedService } from '@orrery/contracts/release';
import type { ConfigChange } from './change.ts';
import { namesOf } from './service.ts';
import type { Side } from './side.ts';
import { diffValues, type ValueChange } from './values.ts';

/** What the environment's settings, the manifests of services that stay, and the names of secrets say differently. */
export function compareConfig(base: Side | undefined, head: Side): ConfigChange[] {
  return [...diffSettings(base, head), ...diffManifests(base, head), ...diffSecrets(base, head)];
}

function diffSettings(base: Side | undefined, head: Side): ConfigChange[] {
  if (base?.binding === undefined || head.binding === undefined) return [];
  const changes = diffValues(base.binding.settings, head.binding.settings);
  // A binding is more than its settings: another environment's is another one with the same.
  if (changes.length === 0 && base.binding.digest !== head.binding.digest) {
    const { digest } = head.binding;
    return [{ of: 'settings', path: 'binding', pointer: '', before: base.binding.digest, after: digest }];
  }
  return changes.map((change) => ({ of: 'settings', ...change }));
}

function diffManifests(base: Side | undefined, head: Side): ConfigChange[] {
  const [before, after] = [base?.release.services ?? {}, head.release.services];
  return namesOf(before, after).flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    if (from === undefined || to === undefined) return [];
    return diffOne(from, to).map((change) => ({ of: name, ...change }));
  });
}

function diffOne(from: ReleasedService, to: ReleasedService): ValueChange[] {
  const changes = diffValues(configOf(from), configOf(to));
  if (changes.length > 0 || from.config === to.config) return changes;
  return [{ path: 'config', pointer: '', before: from.config, after: to.config }];
}

/** All of the manifest but what others rely on, which the service level tells. */
const toldElsewhere = ['consumes', 'produces', 'keySpaces', 'definitions', 'peers'];

function configOf({ manifest }: ReleasedService): object {
  return Object.fromEntries(Object.entries(manifest).filter(([key]) => !toldElsewhere.includes(key)));
}

function diffSecrets(base: Side | undefined, head: Side): ConfigChange[] {
  const [before, after] = [base?.release.secrets ?? [], head.release.secrets];
  const added = after.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !after.includes(name));
  return [
    ...added.map((name) => ({ of: 'secrets', path: name, pointer: '/secrets', after: 'needed' })),
    ...removed.map((name) => ({ of: 'secrets', path: name, pointer: '/secrets', before: 'needed' })),
  ];
}
