import * as kubernetes from '@pulumi/kubernetes';
import * as random from '@pulumi/random';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { stateful } from '../planning/stateful.ts';

export interface TokenArgs {
  /** Where the pods that use it run. */
  readonly namespace: Input<string>;
}

/** Key of the Secret under which the token stands. */
export const tokenKey = 'token';

/**
 * The environment's one token: callers of the services' APIs, Redis and ClickHouse all ask for it. It is made here, kept
 * encrypted in the state, and handed out as a Kubernetes Secret; it never stands in a configuration.
 * Cost driver: none.
 * Refuses nothing; it is protected, because a token that is made again locks every client out at once.
 */
export class Token extends ComponentResource {
  /** The value, a secret output. */
  readonly value: Output<string>;
  readonly secretName: Output<string>;

  constructor(name: string, args: TokenArgs, options?: ComponentResourceOptions) {
    super('orrery:security:Token', name, {}, options);
    const password = new random.RandomPassword(
      `${name}-password`,
      { length: 48, special: false },
      stateful({ parent: this }),
    );
    const secret = new kubernetes.core.v1.Secret(
      `${name}-secret`,
      { metadata: { namespace: args.namespace }, stringData: { [tokenKey]: password.result } },
      { parent: this },
    );
    this.value = password.result;
    this.secretName = secret.metadata.name;
    this.registerOutputs({ secretName: this.secretName });
  }
}
