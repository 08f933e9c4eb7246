import type { Release } from '@orrery/contracts/release';
import type { Operation, SchemaChange } from './change.ts';
import { namesOf } from './service.ts';
import type { Side } from './side.ts';
import { diffValues } from './values.ts';

/** What the head does to data that outlives it: tables by migration and phase, topics, Redis keys. */
export function compareSchemas(base: Side | undefined, head: Side): SchemaChange[] {
  const [before, after] = [base?.release.data, head.release.data];
  return [
    ...compareKind('migration', before?.clickhouse ?? {}, after.clickhouse).map((change) =>
      withPhase(change, before, after),
    ),
    ...compareKind('topic', before?.topics ?? {}, after.topics),
    ...compareKind('key space', before?.keySpaces ?? {}, after.keySpaces).map(withMove),
  ];
}

function compareKind(
  kind: SchemaChange['kind'],
  before: Readonly<Record<string, object>>,
  after: Readonly<Record<string, object>>,
): SchemaChange[] {
  return namesOf(before, after).flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    const fields = from === undefined || to === undefined ? [] : diffValues(from, to);
    if (from !== undefined && to !== undefined && fields.length === 0) return [];
    const operation: Operation = from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
    return [{ kind, name, operation, fields }];
  });
}

function withPhase(change: SchemaChange, before: Release['data'] | undefined, after: Release['data']): SchemaChange {
  const phase = (after.clickhouse[change.name] ?? before?.clickhouse[change.name])?.phase;
  return phase === undefined ? change : { ...change, phase };
}

function withMove(change: SchemaChange): SchemaChange {
  return change.fields.some(({ path }) => path === 'store') ? { ...change, operation: 'moved' } : change;
}
