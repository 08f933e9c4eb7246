import * as kubernetes from '@pulumi/kubernetes';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';

/**
 * The class of volumes that hold data in a cloud of its own: encrypted gp3 that grows in place and outlives its claim, made in the
 * zone of the pod that first asks for it.
 * Cost driver: none by itself; each volume by its GiB, kept ones too until a person deletes them.
 * Refuses nothing.
 */
export class StorageClass extends ComponentResource {
  readonly className: Output<string>;

  constructor(name: string, options?: ComponentResourceOptions) {
    super('orrery:data:StorageClass', name, {}, options);
    const storageClass = new kubernetes.storage.v1.StorageClass(
      `${name}-class`,
      {
        provisioner: 'ebs.csi.aws.com',
        parameters: { type: 'gp3', encrypted: 'true' },
        reclaimPolicy: 'Retain',
        allowVolumeExpansion: true,
        volumeBindingMode: 'WaitForFirstConsumer',
      },
      { parent: this },
    );
    this.className = storageClass.metadata.name;
    this.registerOutputs({ className: this.className });
  }
}
