import { isReleaseStore, partsOfBucket } from './buckets.ts';
import { isTrue, unmet } from './demand.ts';
import { valueAt, type Graph, type Resource } from './graph.ts';
import { violationAt, type Environment, type Rule, type Violation } from './rule.ts';

export const releasesLocked: Rule = {
  name: 'releases-locked',
  why: 'a release whose objects can be deleted is one that nobody can return to, and nobody can prove',
  remedy: 'the store is made with objectLockEnabled and a default retention: settings.store.lock',
  scope: 'graph',
  check: (graph, environment) =>
    graph.resources.filter(isReleaseStore).flatMap((bucket) => checkStore(graph, bucket, environment)),
};

function checkStore(graph: Graph, bucket: Resource, { releaseLock }: Environment): Violation[] {
  const locking = unmet(bucket, [{ property: 'objectLockEnabled', accepts: isTrue, problem: 'can never be locked' }]);
  const [lock] = partsOfBucket(graph, bucket, 'ObjectLockConfiguration');
  if (lock === undefined) {
    return [...locking, violationAt(bucket, { property: 'objectLock', value: undefined }, 'keeps nothing by default')];
  }
  return [...locking, ...checkRetention(lock, releaseLock)];
}

function checkRetention(lock: Resource, { modes, daysMin }: Environment['releaseLock']): Violation[] {
  const property = 'rule.defaultRetention';
  const [mode, days, years] = ['mode', 'days', 'years'].map((key) => valueAt(lock.inputs, `${property}.${key}`));
  const wrongMode = modes.includes(String(mode))
    ? []
    : [violationAt(lock, { property: `${property}.mode`, value: mode }, `must be ${modes.join(' or ')}`)];
  const kept = Number(days ?? 0) + 365 * Number(years ?? 0);
  if (kept >= daysMin) return wrongMode;
  return [...wrongMode, violationAt(lock, { property: `${property}.days`, value: days }, `must be ${daysMin} or more`)];
}
