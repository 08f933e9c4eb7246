import assert from 'node:assert/strict';
import { PlanError } from '#infra/errors.ts';
import { Certificate } from '#infra/platform/certificate.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('the certificates of AWS', () => {
  it('are asked for by name, proven by a record of our zone each, and waited for', async () => {
    const recording = await record(
      () => new Certificate('certificate', { domain: 'dev.orrery.example', hosts: ['api', 'console'], zoneId: 'Z1' }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:platform:Certificate certificate',
      'aws:acm/certificate:Certificate certificate-api-certificate < certificate',
      'aws:route53/record:Record certificate-api-proof < certificate',
      'aws:acm/certificateValidation:CertificateValidation certificate-api-validation < certificate',
      'aws:acm/certificate:Certificate certificate-console-certificate < certificate',
      'aws:route53/record:Record certificate-console-proof < certificate',
      'aws:acm/certificateValidation:CertificateValidation certificate-console-validation < certificate',
    ]);
    assert.deepEqual(resourceNamed(recording, 'certificate-api-certificate').inputs, {
      domainName: 'api.dev.orrery.example',
      validationMethod: 'DNS',
      keyAlgorithm: 'EC_prime256v1',
      options: { certificateTransparencyLoggingPreference: 'ENABLED' },
    });
    const option = 'certificate-api-certificate.domainValidationOptions[0]';
    assert.deepEqual(resourceNamed(recording, 'certificate-api-proof').inputs, {
      zoneId: 'Z1',
      name: `\${${option}.resourceRecordName}`,
      type: `\${${option}.resourceRecordType}`,
      records: [`\${${option}.resourceRecordValue}`],
      ttl: 300,
      allowOverwrite: true,
    });
    assert.deepEqual(resourceNamed(recording, 'certificate-api-validation').inputs, {
      certificateArn: '${certificate-api-certificate.arn}',
      validationRecordFqdns: ['${certificate-api-proof.fqdn}'],
    });
    assert.deepEqual(await Promise.all(recording.result.arns.map((arn) => recording.textOf(arn))), [
      '${certificate-api-certificate.arn}',
      '${certificate-console-certificate.arn}',
    ]);
  });

  it('are none for no host, which is refused', async () => {
    await assert.rejects(
      record(() => new Certificate('certificate', { domain: 'dev.orrery.example', hosts: [], zoneId: 'Z1' })),
      (error) => error instanceof PlanError && error.code === 'CERTIFICATE_EMPTY',
    );
  });
});
