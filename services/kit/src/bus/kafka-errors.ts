import { OrreryError } from '../errors.ts';
import { fenced, refused, topicMissing, unavailable } from './errors.ts';

/** Answers of the group coordinator to a member that is not, or no longer, in this generation of the group. */
const staleMember = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'MEMBER_ID_REQUIRED',
]);

/** Errors of the client itself that no waiting mends. */
const terminalNames = new Set([
  'KafkaJSSASLAuthenticationError',
  'KafkaJSServerDoesNotSupportApiKey',
  'KafkaJSNotImplemented',
  'KafkaJSUnsupportedMagicByteInMessageSet',
]);

/**
 * What kafkajs throws, as fenced, retryable or terminal. An answer of the broker says itself whether it may change ("the
 * coordinator is loading" may); whatever else the client throws, connections and timeouts mostly, is retryable.
 */
export function mapKafkaError(error: unknown, doing: string): OrreryError {
  if (error instanceof OrreryError) return error;
  const root = rootOf(error);
  if (!(root instanceof Error) || !root.name.startsWith('KafkaJS')) return refused(doing, error);
  const { type, retriable } = answerOf(root);
  if (type !== undefined && staleMember.has(type)) return fenced(`the partition while ${doing}`, error);
  const terminal = terminalNames.has(root.name) || (type !== undefined && !retriable);
  return terminal ? refused(doing, error) : unavailable(doing, error);
}

/** As `mapKafkaError`, for what concerns one topic. */
export function mapTopicError(error: unknown, topic: string, doing: string): OrreryError {
  const { type } = answerOf(rootOf(error));
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return topicMissing(topic);
  return mapKafkaError(error, doing);
}

/** The first cause: kafkajs wraps an answer once or twice, when retries are exceeded and when it must not retry. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error && root.cause !== root) root = root.cause;
  return root;
}

function answerOf(error: unknown): { readonly type?: string; readonly retriable: boolean } {
  if (!(error instanceof Error)) return { retriable: false };
  const retriable = 'retriable' in error && error.retriable === true;
  return 'type' in error && typeof error.type === 'string' ? { type: error.type, retriable } : { retriable };
}
