import { shortDigest } from '@orrery/contracts/digest';
import type { Change, CostChange, FileChange, Monthly, Moved, ServiceChange, StatefulChange } from './change.ts';
import type { Mark, Row, Section } from './report.ts';
import { foldText, foldViolations } from './violations.ts';
import { count, differenceIn, listed, quote, showMove, signed, usd, type Sentence } from './wording.ts';

type Told = Omit<Section, 'level'>;

/** Details of one row; `--json` has all. */
const detailsShownMax = 12;

const marks = { added: 'added', removed: 'removed', changed: 'changed', moved: 'moved' } as const;

export function statefulRows({ stateful }: Change): Row[] {
  return stateful.map((one) => ({
    mark: one.what === 'deleted' ? 'removed' : one.what === 'unprotected' ? 'changed' : 'replaced',
    subject: quote(one.name),
    text: `${quote(one.type)} ${one.what}: ${one.because.map((path) => quote(path)).join(', ')}; ${fateOf(one)}`,
    details: [],
  }));
}

function fateOf({ fate, what }: StatefulChange): string {
  if (fate === 'refused') return 'protected: the engine will refuse';
  if (fate === 'destroyed') return 'ITS DATA WOULD BE LOST';
  if (fate === 'kept') return what === 'deleted' ? 'kept, no longer managed' : 'kept, an empty one takes its place';
  return what === 'unprotected' ? 'nothing stands in the way of its deletion' : 'the provider decides';
}

export function serviceSection({ levels }: Change): Told {
  const rows = levels.service.map((service) => ({
    mark: marks[service.operation],
    subject: quote(service.name),
    text: serviceText(service),
    details: limited([
      ...service.contract.map((change) => `contract ${quote(change.path)}: ${showMove(change)}`),
      ...(service.operation === 'changed' ? (service.files ?? []).map(fileText) : []),
    ]),
  }));
  const number = (wanted: (service: ServiceChange) => boolean) => levels.service.filter(wanted).length;
  const only = number(({ operation, causes }) => operation === 'changed' && causes.length === 0);
  const told = [
    [number(({ operation }) => operation === 'added'), 'added'],
    [number(({ operation }) => operation === 'removed'), 'removed'],
    [number(({ operation, causes }) => operation === 'changed' && causes.length > 0), 'changed'],
    [only, `only by ${only === 1 ? 'its' : 'their'} peers`],
  ] as const;
  const summary = told.filter(([services]) => services > 0).map(([services, what]) => `${services} ${what}`);
  return { title: 'Services', summary: summary.join(', '), rows };
}

function serviceText({ operation, causes, peers, own, closure }: ServiceChange): Sentence {
  if (operation === 'added') return `added, own ${digestText(own.after)}`;
  if (operation === 'removed') return `removed, own ${digestText(own.before)}`;
  if (causes.length === 0) {
    const via = peers.length === 0 ? 'by what its peers depend on' : `only by its peers: ${listed(peers)}`;
    return `${via}; closure ${digestText(closure.before)} -> ${digestText(closure.after)}`;
  }
  const also = peers.length === 0 ? '' : `; also by its peers: ${listed(peers)}`;
  return `changed in ${causes.join(', ')}; own ${digestText(own.before)} -> ${digestText(own.after)}${also}`;
}

function fileText({ path, operation, bytes }: FileChange): Sentence {
  const sizes = [bytes.before, bytes.after].flatMap((size) => (size === null ? [] : [size.toLocaleString('en-US')]));
  return `file ${quote(path)} ${operation}, ${[...new Set(sizes)].join(' -> ')} bytes`;
}

export function configSection({ levels }: Change): Told {
  const rows = levels.config.map(({ of, path, ...move }) => ({
    mark: move.before === undefined ? marks.added : move.after === undefined ? marks.removed : marks.changed,
    subject: quote(of),
    text: of === 'secrets' ? secretText(path, move) : `${quote(path)}: ${showMove(move)}`,
    details: [],
  }));
  const owners = [...new Set(levels.config.map(({ of }) => of))];
  return { title: 'Settings', summary: `${count(rows.length, 'value')} of ${listed(owners)}`, rows };
}

function secretText(name: string, { after }: { readonly after?: unknown }): Sentence {
  return `${quote(name)} is ${after === undefined ? 'no longer needed' : 'needed'}`;
}

export function definitionSection({ levels }: Change): Told {
  const rows = levels.definition.map(({ path, operation, services, fields }) => ({
    mark: marks[operation],
    subject: quote(path),
    text: `${operation}, of ${listed(services)}${fieldsText(operation, fields)}`,
    details: limited((fields ?? []).map((change) => `${quote(change.path)}: ${showMove(change)}`)),
  }));
  return { title: 'Definitions', summary: count(rows.length, 'definition'), rows };
}

function fieldsText(operation: string, fields: readonly unknown[] | null): string {
  if (operation !== 'changed') return '';
  if (fields === null) return '; its fields can not be compared here';
  return fields.length === 0 ? '; the same fields, another text' : '';
}

export function modelSection({ levels }: Change): Told {
  const rows = levels.model.map(({ model, pair, metric }) => {
    const mark: Mark = pair.before === null ? 'added' : pair.after === null ? 'removed' : 'changed';
    const { before, after } = metric;
    const measured = [before, after].flatMap((one) => (one === null ? [] : [one.value.toFixed(3)]));
    const unit = after ?? before;
    const evidence = unit === null ? '' : `; ${quote(unit.metric)} ${measured.join(' -> ')} ${quote(unit.unit)}`;
    const move = `pair ${digestText(pair.before)} -> ${digestText(pair.after)}`;
    return { mark, subject: quote(model), text: `${move}${evidence}`, details: [] };
  });
  return { title: 'Models', summary: `${count(rows.length, 'live pair')} moved`, rows };
}

export function policySection({ levels }: Change): Told {
  const rows = foldViolations(levels.policy).map((fold) => ({
    mark: fold.operation === 'broken' || fold.operation === 'rule added' ? marks.added : marks.removed,
    subject: quote(fold.rule),
    text: `${foldText(fold)}${fold.problem === '' ? '' : `; ${quote(fold.problem)}`}`,
    details: [],
  }));
  const kinds = ['broken', 'cleared', 'rule added', 'rule removed'] as const;
  const summary = kinds.flatMap((kind) => {
    const number = levels.policy.filter(({ operation }) => operation === kind).length;
    return number === 0 ? [] : [`${number} ${kind}`];
  });
  return { title: 'Policies', summary: summary.join(', '), rows };
}

export function costSection({ levels, monthly }: Change): Told {
  const kept = new Set(levels.resource.filter(({ fate }) => fate === 'kept').map(({ urn }) => withoutStackName(urn)));
  const rows = levels.cost.map((change) => {
    const { urn, name, type, monthly: month, estimate, unpriced } = change;
    const mark: Mark =
      month.before === null && !unpriced.before
        ? marks.added
        : month.after === null && !unpriced.after
          ? marks.removed
          : marks.changed;
    const billed = kept.has(withoutStackName(urn)) ? '; what is kept is still billed' : '';
    const text = `${costText(change)} ${quote(type)}${estimate ? ', estimate' : ''}${billed}`;
    return { mark, subject: quote(name), text, details: [] };
  });
  const rest = monthly.head === null ? [] : unpricedTexts(monthly.head);
  const basis: Row = { mark: 'told', subject: 'not in it', text: rest.join('; '), details: [] };
  return { title: 'Cost', summary: monthText(monthly), rows: rest.length === 0 ? rows : [...rows, basis] };
}

function costText({ monthly, most, unpriced }: CostChange): Sentence {
  const from = unpriced.before ? 'no price' : usd(monthly.before ?? 0);
  const to = unpriced.after ? 'no price' : usd(monthly.after ?? 0);
  if (unpriced.before || unpriced.after) return `${from} -> ${to}`;
  const [more, limit] = [differenceIn(monthly), differenceIn(most)];
  return `${from} -> ${to} (${signed(more)}${limit === more ? '' : `, at the most ${signed(limit)}`})`;
}

/** The cost level knows no environment. */
function withoutStackName(urn: string): string {
  return urn.replace(/^urn:pulumi:[^:]*::/, '');
}

/** The sum with what it rests on: a number alone would promise too much. */
export function monthText({ head, difference }: Change['monthly']): Sentence {
  if (head === null || difference === null) return 'not known';
  const { unknown, usd: least, mostUsd: most } = difference;
  const month = `${moveText(least)} USD a month (${signed(differenceIn(least))})`;
  const limit = `at the most ${moveText(most)} (${signed(differenceIn(most))})`;
  const share = head.usd === 0 ? 0 : Math.round((100 * head.estimatedUsd) / head.usd);
  const basis = `${share} % of it rests on estimates, prices of ${quote(head.asOf)}`;
  if (unknown === 0) return `${month}, ${limit}; ${basis}`;
  return `difference not known, because of ${count(unknown, 'resource')} without a price; all others: ${month}, ${limit}; ${basis}`;
}

function moveText({ before, after }: Moved<number>): string {
  return `${usd(before ?? 0)} -> ${usd(after ?? 0)}`;
}

function unpricedTexts({ unpriced }: Monthly): Sentence[] {
  const of = (why: string) => unpriced.filter((one) => one.why === why);
  const names = (why: string) =>
    of(why)
      .map(({ type, count: number }) => `${number} x ${quote(type)}`)
      .join(', ');
  return [
    ...(of('no price').length === 0 ? [] : [`without a price: ${names('no price')}`]),
    ...(of('by use').length === 0 ? [] : [`billed by use, not counted: ${names('by use')}`]),
  ];
}

export function schemaSection({ levels }: Change): Told {
  const rows = levels.schema.map(({ kind, name, operation, phase, fields }) => ({
    mark: marks[operation],
    subject: quote(name),
    text: `${phase === undefined ? '' : `${phase} `}${kind} ${operation}`,
    details: limited(fields.map((change) => `${quote(change.path)}: ${showMove(change)}`)),
  }));
  return { title: 'Schema', summary: count(rows.length, 'change'), rows };
}

export function toolchainSection({ levels }: Change): Told {
  const rows = levels.toolchain.map(({ what, before, after }) => ({
    mark: before === null ? marks.added : after === null ? marks.removed : marks.changed,
    subject: quote(what),
    text: showMove({ ...(before === null ? {} : { before }), ...(after === null ? {} : { after }) }),
    details: [],
  }));
  return { title: 'Toolchain', summary: count(rows.length, 'part'), rows };
}

function digestText(digest: string | null): Sentence {
  return digest === null ? 'none' : quote(shortDigest(digest));
}

export function limited(details: readonly Sentence[]): Sentence[] {
  if (details.length <= detailsShownMax) return [...details];
  return [...details.slice(0, detailsShownMax), `and ${details.length - detailsShownMax} more`];
}
