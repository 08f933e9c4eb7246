import type { Change, Reason, ResourceChange } from './change.ts';
import { hostRule, type ReplacedHost } from './host.ts';
import { nameOfUrn } from '../render/symbols.ts';
import { isRoutine } from './routine.ts';
import { count, differenceIn, listed, quote, showMove, usd, type Sentence } from './wording.ts';

/** Everything that a rule of the verdict may look at. */
export type Compared = Pick<Change, 'levels' | 'stateful' | 'monthly' | 'leftOut' | 'base' | 'head'> & {
  readonly hosts: readonly ReplacedHost[];
  readonly staleBase: string | undefined;
};

/** One reason why people should look before it is deployed, or why it must not be. */
export interface VerdictRule {
  readonly name: string;
  readonly level: Reason['level'];
  find(compared: Compared): Pick<Reason, 'subject' | 'text'>[];
}

/** A month may cost so much more before somebody is asked: at the least size, and at the most that it may grow to. */
const costRaisedMaxUsd = 100;
const mostRaisedMaxUsd = 1000;

export const verdictRules: readonly VerdictRule[] = [
  rule(hostRule, 'blocked', ({ hosts }) => hosts.map((host) => ({ subject: host.name, text: hostText(host) }))),
  rule('stateful-destroyed', 'blocked', ({ stateful }) =>
    stateful
      .filter(({ fate }) => fate === 'destroyed')
      .map(({ name, what, because }) => ({
        subject: name,
        text: `would be ${what}, with its data: ${listed(because)}`,
      })),
  ),
  rule('protected-refused', 'blocked', ({ levels }) =>
    levels.resource
      .filter(({ fate }) => fate === 'refused')
      .map(({ name, operation }) => ({
        subject: name,
        text: `is protected: the engine will refuse to ${operation === 'delete' ? 'delete' : 'replace'} it`,
      })),
  ),
  rule('api-refuses', 'blocked', ({ levels }) =>
    levels.resource.flatMap(({ name, properties }) =>
      properties
        .filter(({ effect }) => effect === 'refuse')
        .map((change) => ({
          subject: name,
          text: `${quote(change.path)} ${showMove(change)} is not accepted by its API`,
        })),
    ),
  ),
  rule('applied-migration-changed', 'blocked', ({ levels }) =>
    levels.schema
      .filter(({ kind, operation }) => kind === 'migration' && operation === 'changed')
      .map(({ name }) => ({ subject: name, text: 'was changed after it was released: add another migration instead' })),
  ),
  rule('policy-broken', 'blocked', ({ levels }) =>
    levels.policy
      .filter(({ operation }) => operation === 'broken')
      .map(({ rule: name, resource, property }) => ({
        subject: resource,
        text: `breaks ${quote(name)} at ${quote(property)}`,
      })),
  ),
  rule('stateful-left-behind', 'needs review', ({ stateful }) =>
    stateful
      .filter(({ fate }) => fate === 'kept')
      .map(({ name, what }) => ({
        subject: name,
        text: what === 'deleted' ? 'is kept, but no longer managed' : 'is kept, but an empty one takes its place',
      })),
  ),
  rule('stateful-at-risk', 'needs review', ({ stateful }) =>
    stateful
      .filter(({ fate, what }) => fate === 'at risk' && what !== 'unprotected')
      .map(({ name, because }) => ({ subject: name, text: `may be replaced: ${listed(because)}` })),
  ),
  rule('protection-dropped', 'needs review', ({ levels }) =>
    levels.resource.flatMap(({ name, options }) =>
      options
        .filter(({ path, before, after }) => isProtection(path) && before === true && after !== true)
        .map(({ path }) => ({ subject: name, text: `loses ${quote(path)}` })),
    ),
  ),
  rule('resource-replaced', 'needs review', ({ levels }) =>
    levels.resource.filter(isNotableReplacement).map(({ name, order }) => ({
      subject: name,
      text: order === 'delete first' ? 'is deleted, then made again' : 'is replaced',
    })),
  ),
  rule('resource-deleted', 'needs review', ({ levels }) =>
    levels.resource
      .filter(
        ({ operation, component, fate, stateful }) =>
          operation === 'delete' && !component && !stateful && fate !== 'refused',
      )
      .map(({ name }) => ({ subject: name, text: 'is deleted' })),
  ),
  rule('replacement-follows', 'needs review', ({ levels }) =>
    levels.resource.flatMap(({ name, follows = [], stateful }) => {
      const [first] = stateful ? [] : follows.filter(({ effect }) => effect === 'replace');
      return first === undefined
        ? []
        : [{ subject: name, text: `is replaced with ${quote(nameOfUrn(first.of))} (${quote(first.path)})` }];
    }),
  ),
  rule('may-replace', 'needs review', ({ levels }) =>
    levels.resource
      .filter(({ mayReplace, stateful }) => mayReplace === true && !stateful)
      .map(({ name, type }) => ({ subject: name, text: `is updated, and may be replaced: ${quote(type)}` })),
  ),
  rule('cluster-version', 'needs review', ({ levels }) =>
    levels.resource
      .filter(({ type }) => type === 'aws:eks/cluster:Cluster')
      .flatMap(({ name, properties }) =>
        properties
          .filter(({ path, effect }) => path === 'version' && effect === undefined)
          .map(({ before, after }) => ({
            subject: name,
            text: `Kubernetes ${quote(String(before))} -> ${quote(String(after))}: AWS takes it back for a few days only`,
          })),
      ),
  ),
  rule('contract-migration', 'needs review', ({ levels }) =>
    levels.schema
      .filter(({ kind, operation, phase }) => kind === 'migration' && operation === 'added' && phase === 'contract')
      .map(({ name }) => ({
        subject: name,
        text: 'takes away what earlier releases read: after it, no rollback beyond it',
      })),
  ),
  rule('schema-changed', 'needs review', ({ levels }) =>
    levels.schema
      .filter(({ kind, operation }) => operation !== 'added' && !(kind === 'migration' && operation === 'changed'))
      .map(({ kind, name, operation }) => ({ subject: name, text: `${kind} ${operation}` })),
  ),
  rule('contract-changed', 'needs review', ({ levels }) =>
    levels.service
      .filter(({ causes }) => causes.includes('contract'))
      .map(({ name, contract }) => ({
        subject: name,
        text: `changes what others rely on: ${listed(contract.map(({ path }) => path))}`,
      })),
  ),
  rule('service-removed', 'needs review', ({ levels }) =>
    levels.service
      .filter(({ operation }) => operation === 'removed')
      .map(({ name }) => ({ subject: name, text: 'is no longer there' })),
  ),
  rule('model-withdrawn', 'needs review', ({ levels }) =>
    levels.model
      .filter(({ pair }) => pair.after === null)
      .map(({ model }) => ({ subject: model, text: 'no longer scores' })),
  ),
  // Before the first deployment all of them are, and the program makes some itself.
  rule('secret-needed', 'needs review', ({ levels, base }) =>
    levels.config
      .filter(({ of, after }) => base !== null && of === 'secrets' && after !== undefined)
      .map(({ path }) => ({ subject: path, text: 'has to be there before it is deployed' })),
  ),
  rule('cost-raised', 'needs review', ({ monthly }) => costReasons(monthly)),
  rule('cost-unknown', 'needs review', ({ levels }) =>
    levels.cost.flatMap(({ name, monthly, unpriced }) =>
      unpriced.after && monthly.before !== null
        ? [{ subject: name, text: `costs ${usd(monthly.before)} USD a month, and what it will cost has no price` }]
        : [],
    ),
  ),
  rule('policy-withdrawn', 'needs review', ({ levels }) =>
    levels.policy
      .filter(({ operation }) => operation === 'rule removed')
      .map(({ rule: name }) => ({ subject: name, text: 'is no longer judged by' })),
  ),
  rule('toolchain-moved', 'needs review', ({ levels }) =>
    levels.toolchain.filter(isNotableTool).map(({ what, before, after }) => ({
      subject: what,
      text: `${named(before)} -> ${named(after)}: it may do otherwise what no graph shows`,
    })),
  ),
  rule('stale-base', 'needs review', ({ staleBase, base }) =>
    staleBase === undefined ? [] : [{ subject: base?.label ?? '', text: staleBase }],
  ),
  rule('not-compared', 'needs review', ({ leftOut }) =>
    leftOut.map(({ level, reason }) => ({ subject: level, text: reason })),
  ),
];

function rule(name: string, level: Reason['level'], find: VerdictRule['find']): VerdictRule {
  return { name, level, find };
}

function hostText({ because, members, stateful }: ReplacedHost): Sentence {
  const follow = `${count(members.length, 'resource')} in it would have to be made again`;
  const lost = stateful.length === 0 ? '' : `; ${listed(stateful)} can't move there with the data`;
  return `would be replaced (${listed(because)}): ${follow}${lost}`;
}

function isProtection(path: string): boolean {
  return path === 'protect' || path === 'retainOnDelete';
}

function isNotableReplacement(change: ResourceChange): boolean {
  const { operation, fate, stateful } = change;
  return operation === 'replace' && !stateful && fate !== 'refused' && !isRoutine(change);
}

/** What deploys, and what the services run on; a patch of Node is not a reason. */
function isNotableTool({
  what,
  before,
  after,
}: {
  what: string;
  before: string | null;
  after: string | null;
}): boolean {
  if (what === 'node') return before?.split('.')[0] !== after?.split('.')[0];
  return what === 'python' || what === 'engine' || what === 'form of the release' || what.startsWith('provider ');
}

function named(value: string | null): Sentence {
  return value === null ? 'nothing' : quote(value);
}

function costReasons({ base, difference }: Change['monthly']): Pick<Reason, 'subject' | 'text'>[] {
  if (base === null || difference === null) return [];
  const raised = differenceIn(difference.usd);
  const most = differenceIn(difference.mostUsd);
  return [
    ...(raised > costRaisedMaxUsd ? [{ subject: 'cost', text: `rises by ${usd(raised)} USD a month` }] : []),
    ...(most > mostRaisedMaxUsd ? [{ subject: 'cost', text: `may rise by ${usd(most)} USD a month at the most` }] : []),
  ];
}
