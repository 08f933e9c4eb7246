import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';

export interface VolumeStoreArgs {
  /** Where the pods run that use it. */
  readonly namespace: Input<string>;
  /** Size in GiB, for example 50. It grows in place where its class allows, and never shrinks. */
  readonly volumeGiB: number;
  /** `ReadWriteMany`, or `ReadWriteOnce` where all pods run on one node. */
  readonly accessMode: 'ReadWriteOnce' | 'ReadWriteMany';
  /** The class of the volume. Default: the cluster's own default. */
  readonly storageClassName?: Input<string>;
}

/**
 * The content-addressed store on a volume that every service mounts, for a cluster without an object store.
 * Cost driver: the volume.
 * Refuses nothing; on a volume of one node's a pod on another node waits for ever. Nothing locks its objects: who may mount it may delete.
 */
export class VolumeStore extends ComponentResource {
  readonly claimName: Output<string>;

  constructor(name: string, args: VolumeStoreArgs, options?: ComponentResourceOptions) {
    super('orrery:data:VolumeStore', name, {}, options);
    const { namespace, volumeGiB, accessMode, storageClassName } = args;
    const claim = new kubernetes.core.v1.PersistentVolumeClaim(
      `${name}-volume`,
      {
        metadata: { namespace, labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' } },
        spec: {
          accessModes: [accessMode],
          ...(storageClassName === undefined ? {} : { storageClassName }),
          resources: { requests: { storage: `${volumeGiB}Gi` } },
        },
      },
      stateful({ parent: this }),
    );
    this.claimName = claim.metadata.name;
    this.registerOutputs({ claimName: this.claimName });
  }
}
