import { urnOfReference } from './references.ts';
import type { ProtoMap, RegisterRequest } from './sdk.ts';

type Fields = Record<string, unknown>;

/** The options of a registration that differ from Pulumi's default; what tells where the program's source lies is left out. */
export function readOptions(request: RegisterRequest): Fields {
  const provider = request.getProvider();
  const flags: Fields = {
    ...(request.getProtect() ? { protect: true } : {}),
    ...(request.getRetainondelete() ? { retainOnDelete: true } : {}),
    ...(request.getDeletebeforereplacedefined() ? { deleteBeforeReplace: request.getDeletebeforereplace() } : {}),
    ...(request.getRemote() ? { remote: true } : {}),
  };
  const texts: Fields = {
    provider: provider === '' ? '' : urnOfReference(provider),
    version: request.getVersion(),
    pluginDownloadURL: request.getPlugindownloadurl(),
    packageRef: request.getPackageref(),
    import: request.getImportid(),
    deletedWith: request.getDeletedwith(),
  };
  const lists: Fields = {
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    replaceWith: request.getReplaceWithList().toSorted(),
    hideDiffs: request.getHidediffsList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList().toSorted(),
    aliases: once([
      ...request.getAliasesList().map((alias) => aliasOf(alias.toObject())),
      ...request.getAliasurnsList(),
    ]),
  };
  const maps: Fields = {
    providers: mapOf(request.getProvidersMap(), urnOfReference),
    envVarMappings: mapOf(request.getEnvvarmappingsMap(), (text) => text),
    pluginChecksums: mapOf(request.getPluginchecksumsMap(), (bytes) =>
      Buffer.from(bytes as Uint8Array).toString('hex'),
    ),
    customTimeouts: filled(request.getCustomtimeouts()?.toObject() ?? {}),
  };
  const trigger = request.getReplacementTrigger();
  return {
    ...flags,
    ...filled(texts),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => (list as unknown[]).length > 0)),
    ...Object.fromEntries(Object.entries(maps).filter(([, map]) => Object.keys(map as object).length > 0)),
    ...(trigger === undefined ? {} : { replacementTrigger: trigger.toJavaScript() }),
  };
}

function filled(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== '' && value !== undefined));
}

function mapOf<Value>(map: ProtoMap<Value>, read: (value: Value) => string): Fields {
  const fields: Fields = {};
  map.forEach((value, key) => {
    fields[key] = read(value);
  });
  return fields;
}

/** An alias by URN, or by what of it differs from the resource. */
function aliasOf({ urn, spec }: { urn: string; spec?: Fields }): unknown {
  if (spec === undefined) return urn;
  const named: Fields = {
    name: spec['name'],
    type: spec['type'],
    stack: spec['stack'],
    project: spec['project'],
    parent: spec['parenturn'],
  };
  return { ...filled(named), ...(spec['noparent'] === true ? { noParent: true } : {}) };
}

/** A resource class may name an alias of its type more than once. */
function once(aliases: readonly unknown[]): unknown[] {
  return [...new Map(aliases.map((alias) => [JSON.stringify(alias), alias])).values()];
}
