export type Values = Readonly<Record<string, unknown>>;

const signature = '4dabf18193072939515e22adb298388d';
const secretSignature = '1b47061264138c4ac30d75fd1eb44270';
/** Stands in a message for what only the deployment will know. */
export const unknown = '04da6b54-80e4-46f7-96ec-b56ff0331ba9';

export function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same without the envelopes in which the engine marks secrets. */
export function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (!isMap(value)) return value;
  if (value[signature] === secretSignature) return bare(value['value']);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bare(item)]));
}

export function bareMap(values: Values): Values {
  const stripped = bare(values);
  return isMap(stripped) ? stripped : {};
}

/** Whether something in it is known only once the deployment has made it. */
export function holdsUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isMap(value) ? Object.values(value).some(holdsUnknown) : value === unknown;
}

/** What stands at a path such as `metadata.name`. */
export function at(values: Values, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (isMap(value) ? value[key] : undefined), values);
}

export function textAt(values: Values, path: string): string | undefined {
  const value = at(values, path);
  return typeof value === 'string' ? value : undefined;
}

/**
 * What is live, as far as `given` has an opinion about it: what others added (defaults, status, labels of controllers) is no drift, as
 * with the field managers of server-side apply. A secret stays marked as one.
 */
export function project(given: unknown, live: unknown): unknown {
  if (Array.isArray(given) && Array.isArray(live)) {
    return given.length === live.length ? given.map((item, index) => project(item, live[index])) : live;
  }
  if (!isMap(given)) return live;
  if (given[signature] === secretSignature) return { ...given, value: project(given['value'], live) };
  if (!isMap(live)) return live;
  const kept = Object.entries(given).filter(([key]) => key in live);
  return Object.fromEntries(kept.map(([key, item]) => [key, project(item, live[key])]));
}

export function projectMap(given: Values, live: Values): Values {
  const projected = project(given, live);
  return isMap(projected) ? projected : {};
}
