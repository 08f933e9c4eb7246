import assert from 'node:assert/strict';
import type { GraphResource } from '#stacks/render/graph.ts';

const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
/** An output; a "${" of the program's own has two "$" before it. */
const symbol = /(?<!\$)\$\{"?([^}"]+?)"?\.([^}]+)\}/g;

/** What the engine says of a resource in `pulumi preview --json`. */
export interface EngineState {
  readonly urn: string;
  readonly type: string;
  readonly parent?: string;
  readonly custom?: boolean;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
  readonly provider?: string;
  readonly inputs?: Record<string, unknown>;
  readonly dependencies?: string[];
  readonly propertyDependencies?: Record<string, string[]>;
  readonly additionalSecretOutputs?: string[];
}

/** Names that a provider makes up where the program gives none. */
const autonamed = new Set(['name', 'nodeGroupName', 'bucket', 'replicationGroupId']);
const autoname = /-[0-9a-f]{7,8}$/;
/** What the engine itself adds to the inputs of a provider. */
const ofProviders = new Set(['__internal', 'version']);

interface Place {
  readonly ours: unknown;
  readonly theirs: unknown;
  /** JSON pointer. */
  readonly at: string;
}

/**
 * Compares a resource of a render with what the engine says of it, and tells each difference. What the engine does not know yet must
 * hold a symbol here; what it knows already and we do not are names that providers make up, the same for the same symbol.
 */
export class PreviewComparison {
  readonly #values = new Map<string, string>();

  differences(resource: GraphResource, state: EngineState): string[] {
    const { options } = resource;
    const told: string[] = [];
    const expect = (what: string, ours: unknown, theirs: unknown) => {
      if (!equal(ours, theirs)) told.push(`${what}: ${JSON.stringify(ours)} but ${JSON.stringify(theirs)}`);
    };
    expect('type', resource.type, state.type);
    expect('parent', resource.parent, state.parent ?? null);
    expect('custom', resource.custom, state.custom ?? false);
    expect('protect', options['protect'] ?? false, state.protect ?? false);
    expect('retainOnDelete', options['retainOnDelete'] ?? false, state.retainOnDelete ?? false);
    expect(
      'secret outputs',
      options['additionalSecretOutputs'] ?? [],
      (state.additionalSecretOutputs ?? []).toSorted(),
    );
    const provider = (state.provider ?? '').replace(/::[^:]*$/, '');
    if (!/::default_[\d_]+$/.test(provider)) expect('provider', options['provider'] ?? '', provider);
    // The engine records what a remote component is given only in some versions.
    if (options['remote'] === true) return told;
    this.#compare(resource, { ours: resource.inputs, theirs: state.inputs ?? {}, at: '' }, told);
    told.push(...dependencyDifferences(resource, state));
    return told;
  }

  #compare(resource: GraphResource, { ours, theirs, at }: Place, told: string[]): void {
    if (theirs === unknown) {
      // An output that the program itself gave as an input is known to a render, not to a preview.
      const [, property = ''] = at.split('/');
      const refers = JSON.stringify(ours).includes('${') || resource.propertyDependencies[property] !== undefined;
      if (!refers) told.push(`${at}: ${JSON.stringify(ours)} where the engine knows nothing`);
    } else if (theirs === '[secret]') {
      if (!isSecret(ours)) told.push(`${at}: ${JSON.stringify(ours)} where the engine sees a secret`);
    } else if (typeof ours === 'string' && typeof theirs === 'string') {
      if (!this.#means(ours, theirs)) told.push(`${at}: ${ours} but ${theirs}`);
    } else if (!isMap(ours) || !isMap(theirs) || Array.isArray(ours) !== Array.isArray(theirs)) {
      if (ours !== theirs) told.push(`${at}: ${JSON.stringify(ours)} but ${JSON.stringify(theirs)}`);
    } else {
      for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
        if (ours[key] === undefined && (isAutoname(key, theirs[key]) || (at === '' && ofProviders.has(key)))) continue;
        this.#compare(resource, { ours: ours[key], theirs: theirs[key], at: `${at}/${key}` }, told);
      }
    }
  }

  /** A symbol stands for one value, wherever it stands. */
  #means(ours: string, theirs: string): boolean {
    const symbols = [...ours.matchAll(symbol)].map(([text]) => text);
    const plain = ours.split(symbol).filter((_, index) => index % 3 === 0);
    if (symbols.length === 0) return unescape(ours) === theirs;
    const pattern = plain.map((text) => quote(unescape(text))).join('(.*?)');
    const found = new RegExp(`^${pattern}$`).exec(theirs);
    if (found === null) return false;
    return symbols.every((text, index) => {
      const value = found[index + 1] ?? '';
      const known = this.#values.get(text) ?? value;
      this.#values.set(text, known);
      return known === value && autoname.test(value);
    });
  }
}

/**
 * The engine's dependencies stand here too. Ours may be more, and only where a preview can't know them: an apply on an unknown value
 * does not run in a preview, so what it refers to is seen only at the deployment.
 */
function dependencyDifferences(resource: GraphResource, { inputs = {}, ...state }: EngineState): string[] {
  const hidden = Object.entries(resource.propertyDependencies).filter(([key]) => holdsUnknown(inputs[key]));
  const allowed = new Set(hidden.flatMap(([, urns]) => urns));
  const told = onesided('dependency', resource.dependencies, state.dependencies ?? [], allowed);
  const keys = new Set([
    ...Object.keys(resource.propertyDependencies),
    ...Object.keys(state.propertyDependencies ?? {}),
  ]);
  for (const key of keys) {
    const ours = resource.propertyDependencies[key] ?? [];
    told.push(...onesided(`dependency of ${key}`, ours, state.propertyDependencies?.[key] ?? [], allowed));
  }
  return told;
}

function onesided(
  what: string,
  ours: readonly string[],
  theirs: readonly string[],
  allowed: ReadonlySet<string>,
): string[] {
  const missing = theirs.filter((urn) => !ours.includes(urn)).map((urn) => `${what} only in the preview: ${urn}`);
  const extra = ours.filter((urn) => !theirs.includes(urn) && !allowed.has(urn));
  return [...missing, ...extra.map((urn) => `${what} only in the render: ${urn}`)];
}

function holdsUnknown(value: unknown): boolean {
  return value !== undefined && JSON.stringify(value).includes(unknown);
}

function isAutoname(key: string, value: unknown): boolean {
  return autonamed.has(key) && typeof value === 'string' && autoname.test(value);
}

function isSecret(value: unknown): boolean {
  return isMap(value) && '$secret' in value;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function unescape(text: string): string {
  return text.replaceAll('$${', () => '${');
}

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function equal(left: unknown, right: unknown): boolean {
  try {
    assert.deepEqual(left, right);
    return true;
  } catch {
    return false;
  }
}
