import type { ResourceChange } from './change.ts';

/** Another map beside the one that it replaces, under a name of its own: how a changed configuration is rolled out. */
const replacedRoutinely: readonly string[] = ['kubernetes:core/v1:ConfigMap'];

/** True for a replacement that takes nothing away: every release has some. */
export function isRoutine({ operation, type, order, fate }: ResourceChange): boolean {
  return (
    operation === 'replace' && order === 'create first' && fate === 'destroyed' && replacedRoutinely.includes(type)
  );
}

/** False for a component whose children tell all that there is to tell. */
export function isTold({ component, operation, toldBy }: ResourceChange): boolean {
  return !component || (operation === 'update' && toldBy === undefined);
}
