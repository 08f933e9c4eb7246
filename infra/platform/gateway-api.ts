import { ComponentResource, type ComponentResourceOptions, type Input, type Resource } from '@pulumi/pulumi';
import { createChart } from './chart.ts';

export interface GatewayApiArgs {
  /** Where the chart's release is kept; the definitions are the cluster's. */
  readonly namespace: Input<string>;
}

/**
 * The Gateway API's definitions, standard channel, by a chart of their own, so that a release upgrades them. Controllers look for
 * them once, when they start: they come before. Envoy's own chart brings them along.
 * Cost driver: none.
 * Refuses nothing.
 */
export class GatewayApi extends ComponentResource {
  readonly ready: readonly Resource[];

  constructor(name: string, { namespace }: GatewayApiArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:GatewayApi', name, {}, options);
    const values = { crds: { gatewayAPI: { enabled: true, channel: 'standard' }, envoyGateway: { enabled: false } } };
    this.ready = [createChart(`${name}-crds`, { chart: 'gateway-crds', namespace, values }, { parent: this })];
    this.registerOutputs();
  }
}
