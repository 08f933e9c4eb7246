import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaAccess } from '@orrery/kit/bus/kafka-access';
import { checkConfig } from '@orrery/kit/config';
import Type from 'typebox';

describe('how a service reaches Kafka', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-kafka-'));
    writeFileSync(join(folder, 'password'), 'secret of a test\n');
    writeFileSync(join(folder, 'ca.crt'), 'a certificate');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const driver = 'kafka';
  const brokers = ['one:9092', 'two:9092'];
  const login = () => ({
    mechanism: 'scram-sha-512' as const,
    username: 'orrery',
    passwordFile: join(folder, 'password'),
  });

  it('is by name and password from a file, over TLS by the certificate of its own authority', () => {
    const tls = { caFile: join(folder, 'ca.crt') };
    assert.deepEqual(kafkaAccess({ driver, brokers, sasl: login(), tls }), {
      brokers: ['one:9092', 'two:9092'],
      sasl: { mechanism: 'scram-sha-512', username: 'orrery', password: 'secret of a test' },
      ssl: { ca: ['a certificate'] },
    });
  });

  it('is by public authorities where no certificate is named, and in the clear where nothing is said', () => {
    assert.deepEqual(kafkaAccess({ driver, brokers, tls: {} }), { brokers: ['one:9092', 'two:9092'], ssl: true });
    assert.deepEqual(kafkaAccess({ driver, brokers }), { brokers: ['one:9092', 'two:9092'] });
  });

  it('is refused where a file is missing, and named', () => {
    const passwordFile = join(folder, 'none');
    assert.throws(() => kafkaAccess({ driver, brokers, sasl: { ...login(), passwordFile } }), {
      code: 'KAFKA_ACCESS_UNREADABLE',
      message: /none/,
    });
  });

  it('is checked with the rest of a configuration: no other mechanism, no login without a password', () => {
    const given = {
      ...{ service: 'orchestrator', environment: 'dev', release: 'r', version: { own: 'a', closure: 'b' } },
      ...{ port: 8080, tokenFile: '/run/orrery/token' },
    };
    const bus = (sasl: unknown) => checkConfig({ ...given, bus: { driver, brokers, sasl } }, Type.Object({}), 'x.json');
    assert.deepEqual(bus(login()).bus, { driver, brokers, sasl: login() });
    for (const wrong of [
      { ...login(), mechanism: 'plain' },
      { mechanism: 'scram-sha-512', username: 'orrery' },
    ]) {
      assert.throws(() => bus(wrong), { code: 'CONFIG_INVALID', message: /bus/ });
    }
  });
});
