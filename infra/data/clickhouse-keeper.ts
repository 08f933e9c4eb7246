import * as kubernetes from '@pulumi/kubernetes';
import {
  ComponentResource,
  interpolate,
  type ComponentResourceOptions,
  type Input,
  type Output,
  type Resource,
} from '@pulumi/pulumi';
import { keeperPorts } from '../planning/data/clickhouse.ts';
import { planKeeperSpec } from '../planning/data/clickhouse-keeper.ts';
import { allowDns, allowPeers, planNetworkPolicy } from '../planning/platform/network-policy.ts';
import { stateful } from '../planning/stateful.ts';

export interface ClickHouseKeeperArgs {
  /** Where its pods and objects live. */
  readonly namespace: Input<string>;
  /** By digest, for example `docker.io/clickhouse/clickhouse-keeper:26.3.33.24@sha256:…`. */
  readonly image: string;
  /** 1, 3 or 5; three survive the loss of one. */
  readonly keepers: number;
  /** The class of the volumes. Default: the cluster's own default. */
  readonly storageClassName?: Input<string>;
  /** Whether nodes carry `orrery.dev/pool`: then they run on `general`, which is never reclaimed. */
  readonly nodePools: boolean;
  /** Labels of the pods that ask them: the servers of one ClickHouse. */
  readonly clients: Readonly<Record<string, string>>;
  /** What has to stand first: the operator. */
  readonly after: readonly Resource[];
}

/**
 * The keepers by whose majority the copies of a ClickHouse agree, run by its operator.
 * Cost driver: a quarter of a core and 512 MiB each, on demand, and 10 GiB.
 * Refuses nothing by itself: the number is refused by the plan of the ClickHouse that they serve.
 */
export class ClickHouseKeeper extends ComponentResource {
  /** The name under which servers of the same namespace reach them. */
  readonly host: Output<string>;

  constructor(name: string, args: ClickHouseKeeperArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ClickHouseKeeper', name, {}, options);
    const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'orrery' };
    const { namespace, image, keepers, storageClassName, nodePools, clients } = args;
    const installation = new kubernetes.apiextensions.CustomResource(
      `${name}-installation`,
      {
        apiVersion: 'clickhouse-keeper.altinity.com/v1',
        kind: 'ClickHouseKeeperInstallation',
        // By name, because claims are named after it: one that is made again finds its volumes.
        metadata: { name, namespace },
        spec: planKeeperSpec({ image, keepers, storageClassName, nodePools, labels }),
      },
      { ...stateful({ parent: this }), dependsOn: [...args.after] },
    );
    new kubernetes.networking.v1.NetworkPolicy(
      `${name}-traffic`,
      {
        metadata: { namespace },
        spec: planNetworkPolicy(
          [
            allowPeers({ from: [{ labels: clients }], ports: [keeperPorts.client] }),
            allowPeers({ from: [{ labels }], ports: [keeperPorts.raft] }),
            allowPeers({ to: [{ labels }], ports: [keeperPorts.raft] }),
            allowDns(),
          ],
          labels,
        ),
      },
      { parent: this },
    );
    this.host = interpolate`keeper-${installation.metadata.name}`;
    this.registerOutputs({ host: this.host });
  }
}
