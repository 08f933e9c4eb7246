import { isRecord, listOf, parsed } from './graph.ts';

/** One statement of a policy of AWS, with single values as lists. */
export interface Statement {
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principals: readonly string[];
  readonly conditions: Readonly<Record<string, unknown>>;
  /** Keys that grant by leaving out. */
  readonly inverted: readonly string[];
}

/** The statements of a policy; undefined for one that can't be read. */
export function statementsOf(policy: unknown): Statement[] | undefined {
  const document = parsed(policy);
  if (!isRecord(document) || document['Statement'] === undefined) return undefined;
  return listOf(document['Statement']).filter(isRecord).map(readStatement);
}

/** Whether a policy denies everything that does not come over TLS. */
export function deniesPlainText(policy: unknown): boolean {
  const statements = statementsOf(policy) ?? [];
  return statements.some(
    ({ effect, conditions }) =>
      effect === 'Deny' &&
      Object.values(conditions).some((one) => isRecord(one) && String(one['aws:SecureTransport']) === 'false'),
  );
}

function readStatement(statement: Readonly<Record<string, unknown>>): Statement {
  const texts = (value: unknown) => listOf(value).map(String);
  const principal = statement['Principal'];
  return {
    effect: String(statement['Effect']),
    actions: texts(statement['Action']),
    resources: texts(statement['Resource']),
    principals: isRecord(principal) ? Object.values(principal).flatMap(texts) : texts(principal),
    conditions: isRecord(statement['Condition']) ? statement['Condition'] : {},
    inverted: ['NotAction', 'NotResource', 'NotPrincipal'].filter((key) => statement[key] !== undefined),
  };
}
