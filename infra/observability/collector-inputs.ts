import * as kubernetes from '@pulumi/kubernetes';
import type { ComponentResource, Input, Output } from '@pulumi/pulumi';
import { collectorConfigFile, passwordKey } from '../planning/observability/collector-pod.ts';
import type { CollectorConfig } from '../planning/observability/telemetry.ts';

export interface CollectorInputsArgs {
  readonly namespace: Input<string>;
  readonly labels: Record<string, string>;
  readonly config: CollectorConfig;
  readonly password: Input<string>;
}

export interface CollectorInputs {
  readonly configName: Output<string>;
  readonly secretName: Output<string>;
}

/** What a collector reads, as children of a component: `<name>-config` and `<name>-secret`. JSON is YAML too. */
export function createCollectorInputs(
  parent: ComponentResource,
  name: string,
  { namespace, labels, config, password }: CollectorInputsArgs,
): CollectorInputs {
  const metadata = { namespace, labels };
  // Immutable and named by its content's change: a changed configuration is another map, and so a rolling update.
  const map = new kubernetes.core.v1.ConfigMap(
    `${name}-config`,
    { metadata, immutable: true, data: { [collectorConfigFile]: JSON.stringify(config) } },
    { parent },
  );
  const secret = new kubernetes.core.v1.Secret(
    `${name}-secret`,
    { metadata, stringData: { [passwordKey]: password } },
    { parent },
  );
  return { configName: map.metadata.name, secretName: secret.metadata.name };
}
