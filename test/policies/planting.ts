import { isRecord, type Graph, type Resource } from '#policies/graph.ts';
import type { Planting } from './mutant.ts';

/** A copy of the graph with one change. Throws when what is to be changed is not there: a fault that was never planted proves nothing. */
export function plant(graph: Graph, planting: Planting): Graph {
  if ('add' in planting) {
    return { resources: [...graph.resources, { protect: false, retainOnDelete: false, ...planting.add }] };
  }
  const name = 'remove' in planting ? planting.remove : planting.into;
  const target = graph.resources.find((resource) => resource.name === name);
  if (target === undefined) throw new Error(`the graph has no ${name} to plant into`);
  const resources = graph.resources.flatMap((resource) =>
    resource === target ? ('remove' in planting ? [] : [changed(target, planting)]) : [resource],
  );
  return { resources };
}

function changed(target: Resource, planting: Extract<Planting, { into: string }>): Resource {
  if ('change' in planting) return { ...target, ...planting.change };
  const inputs = structuredClone(target.inputs);
  for (const [path, value] of Object.entries(planting.set)) set(inputs, path, value);
  return { ...target, inputs };
}

/** `spec.containers[0].image` is reached by its keys; each but the last must exist. */
function set(inputs: unknown, path: string, value: unknown): void {
  const keys = path.replaceAll(/\[(\d+)\]/g, '.$1').split('.');
  const last = keys.pop() ?? '';
  const holder = keys.reduce<unknown>((at, key) => child(at, key), inputs);
  if (!isRecord(holder)) throw new Error(`nothing holds ${path}`);
  Reflect.set(holder, last, value);
}

function child(holder: unknown, key: string): unknown {
  if (Array.isArray(holder)) return holder[Number(key)] as unknown;
  return isRecord(holder) ? holder[key] : undefined;
}
