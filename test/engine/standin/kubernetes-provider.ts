import { createHash } from 'node:crypto';
import { Refused, type ApiServer } from './api-server.ts';
import type { CloudFile } from './cloud-file.ts';
import type { Checked, Known, Made, ResourceProvider, Wanted } from './plugin-server.ts';
import { difference, isOtherCluster, type Difference, type Mutability } from './replacement.ts';
import { at, bareMap, holdsUnknown, isMap, projectMap, textAt, type Values } from './values.ts';

const releaseType = 'kubernetes:helm.sh/v3:Release';

/**
 * Stands for the provider of Kubernetes: every kind, custom ones too. Without a server it keeps a cloud in a file; with one it
 * applies for real, and asks the server already in a preview. Helm releases are only recorded, and so are objects of kinds that a
 * chart would have brought. It waits for nothing to become ready, and checks no argument that the type checker checks.
 */
export class KubernetesProvider implements ResourceProvider {
  readonly #cloud: CloudFile;
  readonly #server: ApiServer | undefined;
  #mutability: Mutability = { configMaps: false, secrets: false };

  constructor(cloud: CloudFile, server?: ApiServer) {
    this.#cloud = cloud;
    this.#server = server;
  }

  configure(settings: Values): void {
    const isSet = (key: string) => [true, 'true'].includes(settings[key] as string | boolean);
    this.#mutability = { configMaps: isSet('enableConfigMapMutable'), secrets: isSet('enableSecretMutable') };
  }

  diffConfig(olds: Values, news: Values): Difference {
    const change = { olds: bareMap(olds), news: bareMap(news), isAutonamed: false };
    const { changed } = difference(change, this.#mutability);
    // A kubeconfig that is not known yet may be another cluster's: the real provider replaces everything then.
    const isOther = holdsUnknown(news['kubeconfig']) || isOtherCluster(change.olds, change.news);
    return { changed, replaced: isOther ? ['kubeconfig'] : [], deleteFirst: false };
  }

  /** The inputs with a name: the one that was given, the one it has, or one made of the program's name. */
  check({ urn, olds, news, seed }: Checked): Values {
    const suffix = createHash('sha256').update(seed).update(urn).digest('hex').slice(0, 8);
    const made = `${nameOf(urn)}-${suffix}`;
    if (typeOf(urn) === releaseType) return { ...news, name: news['name'] ?? textAt(olds, 'name') ?? made };
    const metadata = news['metadata'] ?? {};
    if (!isMap(metadata)) return news;
    return { ...news, metadata: { ...metadata, name: metadata['name'] ?? textAt(olds, 'metadata.name') ?? made } };
  }

  diff(urn: string, given: { olds: Values; news: Values }): Difference {
    const [olds, news] = [bareMap(given.olds), bareMap(given.news)];
    const name = textAt(olds, 'metadata.name') ?? textAt(olds, 'name') ?? '';
    const isAutonamed = name.startsWith(`${nameOf(urn)}-`) && /^[0-9a-f]{8}$/.test(name.slice(nameOf(urn).length + 1));
    return difference({ olds, news, isAutonamed }, this.#mutability);
  }

  async make({ urn, inputs, preview }: Wanted): Promise<Made> {
    const type = typeOf(urn);
    const object = bareMap(inputs);
    if (!preview && holdsUnknown(object)) throw new Error(`${urn}: an unknown value reached the provider`);
    const live = await this.#apply(type, object, preview);
    const outputs = { ...inputs, ...madeBy(type, object, live) };
    if (preview) return { id: '', outputs };
    const id = idOf(type, object);
    this.#cloud.put({ urn, tok: type, id, props: bareMap(outputs) });
    return { id, outputs };
  }

  /** Undefined when it is gone. */
  async read({ urn, id, inputs, outputs }: Known): Promise<Omit<Known, 'urn'> | undefined> {
    const type = typeOf(urn);
    const kept = this.#cloud.find(type, id);
    if (kept === undefined) return undefined;
    const live = await this.#whenApplied(type, (server) => server.drift(bareMap(inputs)), kept.props);
    if (live === undefined) return undefined;
    return { id, inputs: projectMap(inputs, live), outputs: { ...outputs, ...projectMap(inputs, live) } };
  }

  async delete({ urn, id, outputs }: Omit<Known, 'inputs'>): Promise<void> {
    await this.#whenApplied(typeOf(urn), (server) => server.delete(bareMap(outputs)), undefined);
    this.#cloud.remove(typeOf(urn), id);
  }

  async #apply(type: string, object: Values, preview: boolean): Promise<Values> {
    if (holdsUnknown(object)) return {};
    try {
      return await this.#whenApplied(type, (server) => server.apply(object, { dryRun: preview }), {});
    } catch (error) {
      // In a preview what an object stands in may not be there yet: nothing can be said about it.
      if (preview && error instanceof Refused && error.isAbsent) return {};
      throw error;
    }
  }

  async #whenApplied<T>(type: string, use: (server: ApiServer) => Promise<T>, otherwise: T): Promise<T> {
    if (this.#server === undefined || type === releaseType) return otherwise;
    try {
      return await use(this.#server);
    } catch (error) {
      if (error instanceof Refused && error.isUnknownKind) return otherwise;
      throw error;
    }
  }
}

export function typeOf(urn: string): string {
  const [, , types = ''] = urn.split('::');
  return types.slice(types.lastIndexOf('$') + 1);
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf('::') + 2);
}

function idOf(type: string, object: Values): string {
  if (type === releaseType) return `${textAt(object, 'namespace') ?? 'default'}/${textAt(object, 'name') ?? ''}`;
  const namespace = textAt(object, 'metadata.namespace');
  return `${namespace === undefined ? '' : `${namespace}/`}${textAt(object, 'metadata.name') ?? ''}`;
}

/** What comes back beside the inputs. */
function madeBy(type: string, object: Values, live: Values): Values {
  if (type === releaseType) return { status: { ...object, status: 'deployed', values: undefined } };
  return at(live, 'status') === undefined ? {} : { status: live['status'] };
}
