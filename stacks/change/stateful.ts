import type { ResourceChange, StatefulChange } from './change.ts';
import { nameOfUrn } from '../render/symbols.ts';

/** What of the stateful is in danger: replaced, deleted, perhaps replaced, or no longer protected. */
export function findStatefulChanges(changes: readonly ResourceChange[]): StatefulChange[] {
  return changes.filter(({ stateful }) => stateful).flatMap((change) => [...lossOf(change), ...exposureOf(change)]);
}

function lossOf(change: ResourceChange): StatefulChange[] {
  const { operation, properties, follows = [], mayReplace = false, fate = 'destroyed' } = change;
  if (operation === 'delete') return [tell(change, { what: 'deleted', fate, because: becauseOfDelete(change) })];
  if (operation === 'replace') {
    const because = properties.filter(({ effect }) => effect === 'replace').map(({ path }) => path);
    return [tell(change, { what: 'replaced', fate, because: because.length > 0 ? because : ['replacementTrigger'] })];
  }
  const following = follows.filter(({ effect }) => effect !== 'update');
  if (following.length > 0) {
    const because = following.map(({ of, path }) => `${path} follows ${nameOfUrn(of)}`);
    const certain = following.some(({ effect }) => effect === 'replace');
    return [
      tell(
        change,
        certain ? { what: 'replaced', fate, because } : { what: 'may be replaced', fate: 'at risk', because },
      ),
    ];
  }
  if (!mayReplace) return [];
  const because = properties.filter(({ effect }) => effect === 'may replace').map(({ path }) => path);
  return [
    tell(change, { what: 'may be replaced', fate: 'at risk', because: because.length > 0 ? because : [change.type] }),
  ];
}

function becauseOfDelete({ renamedTo }: ResourceChange): string[] {
  return renamedTo === undefined
    ? ['it is no longer in the program']
    : [`renamed to ${nameOfUrn(renamedTo)} without an alias`];
}

/** A protection that is gone: nothing is lost yet, but nothing stands in the way of the next change. */
function exposureOf(change: ResourceChange): StatefulChange[] {
  const dropped = change.options
    .filter(({ path, before, after }) => isProtection(path) && before === true && after !== true)
    .map(({ path }) => path);
  return dropped.length === 0 ? [] : [tell(change, { what: 'unprotected', fate: 'at risk', because: dropped })];
}

function isProtection(path: string): boolean {
  return path === 'protect' || path === 'retainOnDelete';
}

function tell(
  { urn, type, name }: ResourceChange,
  told: Pick<StatefulChange, 'what' | 'fate' | 'because'>,
): StatefulChange {
  return { urn, type, name, ...told };
}
