import { digestOf, type Digest } from '@orrery/contracts/digest';

/** What a service's synthetic version is computed from. */
export interface VersionInputs {
  readonly own: Digest;
  readonly peers: readonly string[];
}

/**
 * The closure version of every service: its own version and those of all it depends on. Services that depend on each other in a
 * circle share what the circle is made of: the circle is hashed as one (Tarjan's strongly connected components).
 * Unknown peers are an error of the manifest and are left to its check.
 */
export function closureVersions(services: Readonly<Record<string, VersionInputs>>): Record<string, Digest> {
  const closures: Record<string, Digest> = {};
  for (const component of componentsOf(services)) {
    const outside = component
      .flatMap((name) => services[name]?.peers ?? [])
      .filter((peer) => !component.includes(peer))
      .map((peer) => [peer, closures[peer] ?? null] as const);
    const shared = digestOf('closure', {
      members: Object.fromEntries(component.map((name) => [name, services[name]?.own ?? null])),
      peers: Object.fromEntries(outside),
    });
    for (const name of component)
      closures[name] = digestOf('closure', { name, own: services[name]?.own ?? null, shared });
  }
  return closures;
}

/** Strongly connected components, each after those it depends on; members sorted. */
export function componentsOf(services: Readonly<Record<string, VersionInputs>>): string[][] {
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const components: string[][] = [];

  const visit = (name: string): void => {
    order.set(name, order.size);
    low.set(name, order.get(name) ?? 0);
    stack.push(name);
    for (const peer of [...(services[name]?.peers ?? [])].sort()) {
      if (services[peer] === undefined) continue;
      if (!order.has(peer)) visit(peer);
      if (stack.includes(peer)) low.set(name, Math.min(low.get(name) ?? 0, low.get(peer) ?? 0));
    }
    if (low.get(name) !== order.get(name)) return;
    const component = stack.splice(stack.indexOf(name));
    components.push(component.sort());
  };

  for (const name of Object.keys(services).sort()) if (!order.has(name)) visit(name);
  return components;
}
