import type { Resource } from '../graph.ts';

/** A reference to another resource's output, as a render writes it. */
export interface Reference {
  readonly target: Resource;
  /** For example `arn`, or `vpcConfig.clusterSecurityGroupId`. */
  readonly path: string;
}

const symbol = /\$\{(?:"([^"]+)"|([A-Za-z0-9_-]+))\.([^}]+)\}/g;

/** Finds what the symbols of a graph mean: `${name.path}`, `${"type::name".path}` or `${"URN".path}`. */
export class Symbols {
  readonly #resources = new Map<string, Resource>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) {
      this.#resources.set(resource.name, resource);
      this.#resources.set(`${resource.type}::${resource.name}`, resource);
    }
  }

  /** The resources that a text refers to, in its order. */
  in(text: string): Reference[] {
    return [...text.matchAll(symbol)].flatMap(([, quoted, plain, path = '']) => {
      const target = this.#find(quoted ?? plain ?? '');
      return target === undefined ? [] : [{ target, path }];
    });
  }

  /** The text with something for each symbol whose resource is known. */
  replace(text: string, write: (reference: Reference) => string): string {
    return text.replaceAll(symbol, (found, quoted: string | undefined, plain: string | undefined, path: string) => {
      const target = this.#find(quoted ?? plain ?? '');
      return target === undefined ? found : write({ target, path });
    });
  }

  #find(named: string): Resource | undefined {
    // The last two parts of a URN are type chain and name.
    const [chain = '', name = ''] = named.split('::').slice(-2);
    return this.#resources.get(named) ?? this.#resources.get(`${chain.split('$').at(-1) ?? ''}::${name}`);
  }
}
