import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input } from '@pulumi/pulumi';

export interface ReleaseMapArgs {
  /** Physical name of the namespace, for example `orrery`. */
  readonly namespace: Input<string>;
  /** Digest of the release, `sha256:…`. */
  readonly release: string;
}

/**
 * What tells every pod which release it is of: a ConfigMap whose key `release` the services read again and again, so that a release
 * replaces no pod but those of the services that it changes.
 * Cost driver: none.
 * Refuses nothing. While the map is exchanged, pods keep what they read last.
 */
export class ReleaseMap extends ComponentResource {
  /** The same for ever: pods name it, and would be replaced with another name. */
  readonly mapName = 'release';

  constructor(name: string, { namespace, release }: ReleaseMapArgs, options?: ComponentResourceOptions) {
    super('orrery:service:ReleaseMap', name, {}, options);
    new kubernetes.core.v1.ConfigMap(
      `${name}-map`,
      { metadata: { namespace, name: this.mapName }, data: { release } },
      { parent: this },
    );
    this.registerOutputs({ mapName: this.mapName });
  }
}
