import type { ComponentResourceOptions, Input, Output, Resource } from '@pulumi/pulumi';
import { Msk, type MskArgs } from './msk.ts';
import { Strimzi, type StrimziArgs } from './strimzi.ts';

/** A Kafka, whoever runs it: TLS, and a user with a password in either. */
export interface Kafka {
  /** `host:port` of those to ask first, joined by commas. */
  readonly brokers: Output<string>;
  readonly username: string;
  /** The Secret, in the namespace of the services, and its key, that hold the user's password. */
  readonly password: { readonly secretName: Input<string>; readonly key: string };
  /** The Secret whose key `ca.crt` tells who signs for the brokers. Absent: an authority that every system knows. */
  readonly certificateSecretName?: Output<string>;
  /** What has to stand before a client connects. */
  readonly ready: readonly Resource[];
}

export type KafkaArgs = ({ readonly kind: 'strimzi' } & StrimziArgs) | ({ readonly kind: 'msk' } & MskArgs);

/** One Kafka: run by its operator in this cluster, or managed by AWS. What clients are told is the same. */
export function createKafka(name: string, args: KafkaArgs, options: ComponentResourceOptions): Kafka {
  if (args.kind === 'msk') {
    const { kind: _, ...managed } = args;
    return new Msk(name, managed, options);
  }
  const { kind: _, ...operated } = args;
  return new Strimzi(name, operated, options);
}
