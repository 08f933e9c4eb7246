import type { GraphResource } from '../graph.ts';
import type { RefusalDetails } from '../refusal.ts';

/** A remote component as the program asks for it: a provider, not the program, makes its children. */
export interface RemoteComponent {
  readonly urn: string;
  readonly name: string;
  /** As they go to the engine: outputs of others are marks. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
  /** URNs by package. */
  readonly providers: Readonly<Record<string, string>>;
  /** The inputs of a provider, for example its region. */
  readonly inputsOf: (urn: string) => Readonly<Record<string, unknown>>;
  /** The mark of an output of a resource, `path` such as `arn`. */
  readonly markOf: (urn: string, path: string) => string;
}

export type Child = Omit<GraphResource, 'expandedBy' | 'outputs'>;

/** What a provider would make of a component; inputs and outputs still hold marks. */
export interface Expansion {
  readonly children: readonly Child[];
  /** What the component's outputs resolve to; one that is not named has no value. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** URNs of the children that an output comes from. */
  readonly outputDependencies: Readonly<Record<string, readonly string[]>>;
}

export interface Expander {
  readonly type: string;
  /** The package and the version whose source it follows. */
  readonly follows: { readonly package: string; readonly version: string };
  expand(component: RemoteComponent): Expansion | { readonly unsure: RefusalDetails };
}
