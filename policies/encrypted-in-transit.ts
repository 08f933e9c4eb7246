import { isBucket, partsOfBucket } from './buckets.ts';
import { isOneOf, isTrue, unmet, type Demand } from './demand.ts';
import { ofType, partsOf, valueAt, valuesAt, type Graph, type Resource } from './graph.ts';
import { deniesPlainText } from './policy-document.ts';
import { violationAt, type Rule, type Violation } from './rule.ts';

const demandsOfType: Readonly<Record<string, readonly Demand[]>> = {
  'aws:elasticache/replicationGroup:ReplicationGroup': [
    { property: 'transitEncryptionEnabled', accepts: isTrue, problem: 'must be on' },
    {
      property: 'transitEncryptionMode',
      accepts: isOneOf(undefined, 'required'),
      problem: 'lets clients in without TLS',
    },
  ],
  'aws:msk/cluster:Cluster': [
    {
      property: 'encryptionInfo.encryptionInTransit.clientBroker',
      accepts: isOneOf('TLS'),
      problem: 'lets clients in without TLS',
    },
    {
      property: 'encryptionInfo.encryptionInTransit.inCluster',
      accepts: isOneOf(undefined, true),
      problem: 'lets brokers talk without TLS',
    },
  ],
};

/** Queues and topics, and the policy beside them that says who may speak to them and how. */
const policies: Readonly<Record<string, { readonly type: string; readonly property: string }>> = {
  'aws:sqs/queue:Queue': { type: 'aws:sqs/queuePolicy:QueuePolicy', property: 'queueUrl' },
  'aws:sns/topic:Topic': { type: 'aws:sns/topicPolicy:TopicPolicy', property: 'arn' },
};

export const encryptedInTransit: Rule = {
  name: 'encrypted-in-transit',
  why: 'whoever stands on the way reads tokens, prompts and answers',
  remedy: 'deny what has aws:SecureTransport false; Redis, Kafka and listeners speak TLS alone',
  scope: 'graph',
  check: (graph) => graph.resources.flatMap((resource) => checkResource(graph, resource)),
};

function checkResource(graph: Graph, resource: Resource): Violation[] {
  const { type } = resource;
  if (isBucket(resource)) return demandDenial(resource, policiesOfBucket(graph, resource));
  if (policies[type] !== undefined) return demandDenial(resource, policiesOf(graph, resource));
  if (/^kubernetes:kafka\.strimzi\.io\/[^:]+:Kafka$/.test(type)) return checkListeners(resource);
  if (type === 'aws:lb/listener:Listener') return checkLoadBalancer(resource);
  return unmet(resource, demandsOfType[type]);
}

function policiesOfBucket(graph: Graph, bucket: Resource): unknown[] {
  return partsOfBucket(graph, bucket, 'Policy').map(({ inputs }) => inputs['policy']);
}

function policiesOf(graph: Graph, whole: Resource): unknown[] {
  const beside = policies[whole.type];
  if (beside === undefined) return [];
  const { type, property } = beside;
  const parts = partsOf(whole, { parts: ofType(graph, type), property, wholes: ofType(graph, whole.type) });
  return [whole.inputs['policy'], ...parts.map(({ inputs }) => inputs['policy'])];
}

function demandDenial(resource: Resource, found: readonly unknown[]): Violation[] {
  if (found.some(deniesPlainText)) return [];
  return [violationAt(resource, { property: 'policy', value: found[0] }, 'must deny aws:SecureTransport false')];
}

function checkListeners(resource: Resource): Violation[] {
  return valuesAt(resource.inputs, 'spec.kafka.listeners[].tls')
    .filter(({ value }) => value !== true)
    .map((found) => violationAt(resource, found, 'lets clients in without TLS'));
}

/** Plain HTTP may only send elsewhere. */
function checkLoadBalancer(resource: Resource): Violation[] {
  const { inputs } = resource;
  const redirects = valuesAt(inputs, 'defaultActions[].type').every(({ value }) => value === 'redirect');
  const value = valueAt(inputs, 'protocol');
  if (['HTTPS', 'TLS'].includes(String(value)) || (value === 'HTTP' && redirects)) return [];
  return [violationAt(resource, { property: 'protocol', value }, 'must be HTTPS or TLS')];
}
