import { isBucket, isLogBucket, partsOfBucket } from './buckets.ts';
import { isOneOf, isTrue, unmet } from './demand.ts';
import { valueAt, valuesAt, type Graph, type Resource } from './graph.ts';
import { statementsOf } from './policy-document.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const blocks = ['blockPublicAcls', 'blockPublicPolicy', 'ignorePublicAcls', 'restrictPublicBuckets'] as const;

export const bucketsClosed: Rule = {
  name: 'buckets-closed',
  why: 'one wrong list of grants shows a bucket to the internet; without versions one wrong write is final',
  remedy: 'make it with ObjectStore: all four public access blocks, versions, an end for unfinished uploads',
  scope: 'graph',
  check: (graph) => graph.resources.filter(isBucket).flatMap((bucket) => checkBucket(graph, bucket)),
};

function checkBucket(graph: Graph, bucket: Resource): Violation[] {
  return [
    ...checkBlock(graph, bucket),
    ...partsOfBucket(graph, bucket, 'Policy').flatMap(checkPolicy),
    ...(isLogBucket(graph, bucket) ? [] : checkVersions(graph, bucket)),
    ...checkUploads(graph, bucket),
  ];
}

function checkBlock(graph: Graph, bucket: Resource): Violation[] {
  const [block] = partsOfBucket(graph, bucket, 'PublicAccessBlock');
  if (block === undefined) return lacks(bucket, 'publicAccessBlock', 'may be opened to everybody');
  return unmet(
    block,
    blocks.map((property) => ({ property, accepts: isTrue, problem: 'must be on' })),
  );
}

function checkPolicy(policy: Resource): Violation[] {
  return (statementsOf(policy.inputs['policy']) ?? [])
    .map((statement, index) => ({ ...statement, property: `policy.Statement[${index}]` }))
    .filter(
      ({ effect, principals, conditions }) =>
        effect === 'Allow' && principals.includes('*') && Object.keys(conditions).length === 0,
    )
    .map(({ property, actions }) => violationAt(policy, { property, value: actions }, 'lets everybody in'));
}

function checkVersions(graph: Graph, bucket: Resource): Violation[] {
  const [versioning] = partsOfBucket(graph, bucket, 'Versioning');
  if (versioning === undefined) return lacks(bucket, 'versioning', 'forgets what is written over');
  const property = 'versioningConfiguration.status';
  return unmet(versioning, [{ property, accepts: isOneOf('Enabled'), problem: 'must be Enabled' }]);
}

function checkUploads(graph: Graph, bucket: Resource): Violation[] {
  const rules = partsOfBucket(graph, bucket, 'LifecycleConfiguration').flatMap(({ inputs }) =>
    valuesAt(inputs, 'rules[]'),
  );
  const ends = rules.some(
    ({ value }) => valueAt(value, 'abortIncompleteMultipartUpload.daysAfterInitiation') !== undefined,
  );
  return ends ? [] : lacks(bucket, 'lifecycle', 'pays for unfinished uploads for ever');
}

function lacks(bucket: Resource, property: string, problem: string): Violation[] {
  return [violationAt(bucket, { property, value: undefined }, problem)];
}
