import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { addedWithin, hash, identifierOf, outputsOf } from './aws-outputs.ts';
import type { CloudFile } from './cloud-file.ts';
import type { Checked, Known, Made, ResourceProvider, Wanted } from './plugin-server.ts';
import type { Difference } from './replacement.ts';
import { sdkType } from './sdk-types.ts';
import { bareMap, holdsUnknown, isMap, projectMap, textAt, unknown, type Values } from './values.ts';

/** The input by which a type is named, where that is not `name`. */
const naming: Readonly<Record<string, string>> = {
  'aws:s3/bucket:Bucket': 'bucket',
  'aws:eks/nodeGroup:NodeGroup': 'nodeGroupName',
  'aws:elasticache/replicationGroup:ReplicationGroup': 'replicationGroupId',
};

/**
 * Stands for the provider of AWS: every type of its SDK, in a cloud that is a file. It refuses inputs that the SDK does not know and
 * lacks that it requires. It knows nothing of what AWS would accept.
 */
export class AwsProvider implements ResourceProvider {
  readonly #cloud: CloudFile;
  #region = 'eu-west-1';

  constructor(cloud: CloudFile) {
    this.#cloud = cloud;
  }

  configure(settings: Values): void {
    this.#region = textAt(settings, 'region') ?? this.#region;
  }

  diffConfig(olds: Values, news: Values): Difference {
    return { changed: changedKeys(bareMap(olds), bareMap(news)), replaced: [], deleteFirst: false };
  }

  check({ urn, olds, news, seed }: Checked): Values {
    const type = typeOf(urn);
    const { inputs, required } = sdkType(type);
    const strange = Object.keys(news).filter((key) => !key.startsWith('__') && !inputs.has(key));
    const lacking = required.filter((key) => news[key] === undefined);
    if (strange.length > 0) throw new Error(`${urn}: ${type} has no input ${strange.join(', ')}`);
    if (lacking.length > 0) throw new Error(`${urn}: ${type} requires ${lacking.join(', ')}`);
    const key = naming[type] ?? 'name';
    const isNamed = !inputs.has(key) || news[key] !== undefined || news[`${key}Prefix`] !== undefined;
    if (isNamed) return news;
    const made = `${nameOf(urn)}-${hash(`${Buffer.from(seed).toString('hex')}${urn}`, 7)}`;
    return { ...news, [key]: olds[key] ?? made };
  }

  diff(urn: string, given: { olds: Values; news: Values }): Difference {
    const type = typeOf(urn);
    const changed = changedKeys(bareMap(given.olds), bareMap(given.news));
    const { replacing } = sdkType(type);
    const replaced = changed.filter((key) => replacing.has(key) || key === (naming[type] ?? 'name'));
    return { changed, replaced, deleteFirst: false };
  }

  async make({ urn, inputs, preview, known }: Wanted): Promise<Made> {
    const type = typeOf(urn);
    const bare = bareMap(inputs);
    const { computed } = sdkType(type);
    if (!preview && holdsUnknown(bare)) throw new Error(`${urn}: an unknown value reached the provider`);
    const fresh = randomUUID();
    const named = textAt(bare, naming[type] ?? 'name') ?? `${nameOf(urn)}-${fresh.slice(0, 8)}`;
    const id = known?.id ?? identifierOf(type, fresh) ?? named;
    if (preview && known === undefined)
      return { id: '', outputs: { ...inputs, ...unknownOutputs(type, inputs, computed) } };
    const outputs = { ...inputs, ...outputsOf({ type, id, inputs: bare, region: this.#region }, computed) };
    if (!preview) this.#cloud.put({ urn, tok: type, id, props: bareMap(outputs) });
    return { id, outputs };
  }

  async read({ urn, id, inputs, outputs }: Known): Promise<Omit<Known, 'urn'> | undefined> {
    const kept = this.#cloud.find(typeOf(urn), id);
    if (kept === undefined) return undefined;
    return { id, inputs: projectMap(inputs, kept.props), outputs: projectMap(outputs, kept.props) };
  }

  async delete({ urn, id }: Omit<Known, 'inputs'>): Promise<void> {
    this.#cloud.remove(typeOf(urn), id);
  }
}

/** Before it is made nothing is known of what the cloud adds. */
function unknownOutputs(type: string, inputs: Values, computed: readonly string[]): Values {
  const within = (addedWithin[type] ?? []).map((key) => {
    const given = inputs[key];
    const added = outputsOf({ type, id: '', inputs: bareMap(inputs), region: '' }, [])[key];
    const names = isMap(added) ? Object.keys(added) : [];
    return [
      key,
      { ...Object.fromEntries(names.map((name) => [name, unknown])), ...(isMap(given) ? given : {}) },
    ] as const;
  });
  return { ...Object.fromEntries(computed.map((name) => [name, unknown])), ...Object.fromEntries(within) };
}

function changedKeys(olds: Values, news: Values): string[] {
  const keys = new Set([...Object.keys(olds), ...Object.keys(news)]);
  return [...keys].filter((key) => !key.startsWith('__') && !isDeepStrictEqual(olds[key], news[key]));
}

function typeOf(urn: string): string {
  const [, , types = ''] = urn.split('::');
  return types.slice(types.lastIndexOf('$') + 1);
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}
