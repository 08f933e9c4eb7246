import { readFileSync } from 'node:fs';
import { messageOf, OrreryError } from '../errors.ts';
import type { KafkaAccess } from '../config.ts';
import type { KafkaBusSettings } from './kafka.ts';

/**
 * How a service reaches its brokers, from its configuration: secrets and certificates are read from the files that it names. Throws
 * `KAFKA_ACCESS_UNREADABLE`.
 */
export function kafkaAccess({ brokers, sasl, tls }: KafkaAccess): Pick<KafkaBusSettings, 'brokers' | 'sasl' | 'ssl'> {
  return {
    brokers: [...brokers],
    ...(sasl === undefined
      ? {}
      : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: read(sasl.passwordFile).trim() } }),
    ...(tls === undefined ? {} : { ssl: tls.caFile === undefined ? true : { ca: [read(tls.caFile)] } }),
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const message = `${file}, which the bus needs, can't be read: ${messageOf(cause)}`;
    const hint = 'see bus.sasl.passwordFile and bus.tls.caFile of the configuration';
    throw new OrreryError({ code: 'KAFKA_ACCESS_UNREADABLE', message, hint, cause });
  }
}
