import type { Input } from '@pulumi/pulumi';
import { PlanError } from '#infra/errors.ts';

/** Each look at a secret is paid for, and a secret that changes is rolled out by people anyway. */
const refreshMinutesMin = 60;

/** Where an environment's secrets lie in AWS Secrets Manager: everything else of the account stays out of reach. */
export function secretPrefix(environment: string): string {
  return `orrery/${environment}/`;
}

export interface SecretStoreRequest {
  readonly environment: string;
  readonly region: string;
  /** Namespaces whose ExternalSecrets may ask. At least one. */
  readonly namespaces: readonly Input<string>[];
}

/** `external-secrets.io/v1 ClusterSecretStore`: names are below the environment's prefix, whoever asks. */
export function planSecretStore({ environment, region, namespaces }: SecretStoreRequest) {
  if (namespaces.length === 0) {
    throw refuse('SECRETS_CLOSED', 'the store of secrets admits no namespace', 'name those that need one');
  }
  return {
    provider: { aws: { service: 'SecretsManager', region, prefix: secretPrefix(environment) } },
    conditions: [{ namespaces }],
  };
}

export interface ExternalSecretRequest {
  readonly storeName: Input<string>;
  /** Name of the Secret that is made. */
  readonly secretName: string;
  /** Name below the environment's prefix, for example `grafana`. */
  readonly remoteName: string;
  /** Keys of the Secret, each with the property of the JSON text that it is taken from. At least one. */
  readonly keys: Readonly<Record<string, string>>;
  /** Minutes between two looks. At least 60. */
  readonly refreshMinutes: number;
}

/** `external-secrets.io/v1 ExternalSecret`. Refuses to look more often than once an hour. */
export function planExternalSecret({ storeName, secretName, remoteName, keys, refreshMinutes }: ExternalSecretRequest) {
  if (!Number.isInteger(refreshMinutes) || refreshMinutes < refreshMinutesMin) {
    const message = `the secret ${remoteName} would be read every ${refreshMinutes} minutes`;
    throw refuse('SECRET_REFRESH', message, `at least ${refreshMinutesMin}: every look is paid for`);
  }
  if (Object.keys(keys).length === 0) {
    throw refuse('SECRET_EMPTY', `the secret ${secretName} has no keys`, 'name those that a pod reads');
  }
  return {
    refreshInterval: `${refreshMinutes}m`,
    secretStoreRef: { kind: 'ClusterSecretStore', name: storeName },
    target: { name: secretName, creationPolicy: 'Owner', deletionPolicy: 'Retain' },
    data: Object.entries(keys).map(([secretKey, property]) => ({
      secretKey,
      remoteRef: { key: remoteName, property },
    })),
  };
}

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
