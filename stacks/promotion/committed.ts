import { join } from 'node:path';
import { shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import { CommandError } from '../errors.ts';
import { git } from '../release/git.ts';
import type { Places } from '../release/places.ts';
import { readEntry } from './ledger.ts';

const pathsShownMax = 5;

/**
 * Checks the clone's records against its HEAD: nothing recorded was edited or removed, and, unless that is allowed, what the pin of the
 * environment says is committed. The entries of deployments come to be while deploying: they are committed afterwards.
 */
export function assertCommitted(
  { root }: Places,
  environment: string,
  pin: Pin,
  { allowsUncommitted }: { readonly allowsUncommitted: boolean },
): void {
  const changes = changesOf(root);
  const edited = changes.filter(({ path, added }) => !added && path.startsWith('stacks/records/'));
  if (edited.length > 0) {
    throw new CommandError({
      code: 'RECORDS_EDITED',
      message: `records were edited or removed: ${shown(edited)}`,
      hint: 'records are only ever added to. npx orrery audit verify names each difference; git checkout -- stacks/records takes them back',
      exitCode: 3,
    });
  }
  const needed = [
    `stacks/pins/${environment}.json`,
    `stacks/records/releases/${shortDigest(pin.release)}/`,
    `stacks/records/bindings/${shortDigest(pin.binding)}.json`,
    `stacks/records/ledger/${environment}/`,
  ];
  const left = changes.filter(({ path }) => needed.some((one) => path.startsWith(one)) && !isOfDeployment(root, path));
  if (left.length === 0 || allowsUncommitted) return;
  throw new CommandError({
    code: 'PIN_UNCOMMITTED',
    message: `what ${environment} is pinned to is not committed: ${shown(left)}`,
    hint: `git add stacks && git commit; to deploy what nobody else can see: --uncommitted`,
    exitCode: 3,
  });
}

interface Change {
  readonly path: string;
  readonly added: boolean;
}

function changesOf(root: string): Change[] {
  const words = ['status', '--porcelain=v1', '-z', '--no-renames', '--untracked-files=all'];
  const text = git(root, ...words, '--', 'stacks/records', 'stacks/pins');
  return text
    .split('\0')
    .filter((line) => line !== '')
    .map((line) => ({ path: line.slice(3), added: ['??', 'A '].includes(line.slice(0, 2)) }));
}

function isOfDeployment(root: string, path: string): boolean {
  if (!path.startsWith('stacks/records/ledger/')) return false;
  if (!path.endsWith('.json')) return true;
  return readEntry(join(root, path)).event.kind.startsWith('deployment-');
}

function shown(changes: readonly Change[]): string {
  const more = changes.length > pathsShownMax ? ` and ${changes.length - pathsShownMax} more` : '';
  return `${changes
    .slice(0, pathsShownMax)
    .map(({ path }) => path)
    .join(', ')}${more}`;
}
