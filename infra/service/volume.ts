import * as kubernetes from '@pulumi/kubernetes';
import type { ComponentResource, Input } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { stateful } from '../planning/stateful.ts';
import type { ServiceManifest } from '../planning/service/workload.ts';

export interface ServiceVolume {
  /** In GiB, for example 10. It can grow, never shrink. */
  readonly volumeGiB: number;
  /** Default: the cluster's own. */
  readonly storageClassName?: Input<string>;
}

/** The folder that a service owns, on a volume that outlives its pods and the service: the child `<name>-volume`. */
export function createVolume(
  parent: ComponentResource,
  name: string,
  args: ServiceVolume & { readonly metadata: kubernetes.types.input.meta.v1.ObjectMeta },
): kubernetes.core.v1.PersistentVolumeClaim {
  const { metadata, volumeGiB, storageClassName } = args;
  return new kubernetes.core.v1.PersistentVolumeClaim(
    `${name}-volume`,
    {
      metadata,
      spec: {
        accessModes: ['ReadWriteOnce'],
        ...(storageClassName === undefined ? {} : { storageClassName }),
        resources: { requests: { storage: `${volumeGiB}Gi` } },
      },
    },
    stateful({ parent }),
  );
}

/** The volume of a service that owns a folder; undefined for one that does not. */
export function findVolume(manifest: ServiceManifest, volume: ServiceVolume | undefined): ServiceVolume | undefined {
  if (!manifest.stateful) return undefined;
  if (volume !== undefined) return volume;
  throw new PlanError({
    code: 'VOLUME_MISSING',
    message: `${manifest.name} owns a folder and is given no volume`,
    hint: 'give it one: volume: { volumeGiB }',
  });
}
