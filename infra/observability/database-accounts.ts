import * as kubernetes from '@pulumi/kubernetes';
import * as random from '@pulumi/random';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { passwordKey } from '../planning/observability/collector-pod.ts';
import { planDatabaseAccounts, type DatabaseAccount } from '../planning/observability/database-accounts.ts';
import { stateful } from '../planning/stateful.ts';

export interface DatabaseAccountsArgs {
  /** Where ClickHouse runs: the Secrets lie there. */
  readonly namespace: Input<string>;
  /** The platform's own database, for example `orrery`. */
  readonly database: string;
}

/** A user, its password, and where whoever makes ClickHouse finds it. */
export interface CreatedAccount extends DatabaseAccount {
  /** A secret output. */
  readonly password: Output<string>;
  /** Secret of the namespace, whose key `password` is the password. */
  readonly secretName: Output<string>;
  readonly secretKey: string;
}

/**
 * The users of ClickHouse that are no services: the collectors, who write telemetry, and Metabase, which reads. Made before ClickHouse,
 * which is told them by its configuration.
 * Cost driver: none.
 * Refuses nothing.
 */
export class DatabaseAccounts extends ComponentResource {
  readonly telemetry: CreatedAccount;
  readonly bi: CreatedAccount;

  constructor(name: string, args: DatabaseAccountsArgs, options?: ComponentResourceOptions) {
    super('orrery:observability:DatabaseAccounts', name, {}, options);
    const { telemetry, bi } = planDatabaseAccounts(args.database);
    this.telemetry = this.#create(`${name}-telemetry`, args.namespace, telemetry);
    this.bi = this.#create(`${name}-bi`, args.namespace, bi);
    this.registerOutputs({ telemetry: this.telemetry.secretName, bi: this.bi.secretName });
  }

  #create(name: string, namespace: Input<string>, account: DatabaseAccount): CreatedAccount {
    const password = new random.RandomPassword(
      `${name}-password`,
      { length: 40, special: false },
      stateful({ parent: this }),
    );
    const secret = new kubernetes.core.v1.Secret(
      `${name}-secret`,
      { metadata: { namespace }, stringData: { [passwordKey]: password.result } },
      { parent: this },
    );
    return { ...account, password: password.result, secretName: secret.metadata.name, secretKey: passwordKey };
  }
}
