import assert from 'node:assert/strict';
import { Certificate } from '#infra/platform/certificate.ts';
import { outline, record, resourceNamed } from '#test/support/pulumi.ts';

describe('a certificate of AWS', () => {
  it('is asked for, proven by a record of our zone, and waited for', async () => {
    const recording = await record(
      () => new Certificate('certificate', { domain: 'dev.orrery.example', zoneId: 'Z1' }),
    );
    assert.deepEqual(outline(recording), [
      'orrery:platform:Certificate certificate',
      'aws:acm/certificate:Certificate certificate-certificate < certificate',
      'aws:route53/record:Record certificate-proof < certificate',
      'aws:acm/certificateValidation:CertificateValidation certificate-validation < certificate',
    ]);
    assert.deepEqual(resourceNamed(recording, 'certificate-certificate').inputs, {
      domainName: 'dev.orrery.example',
      subjectAlternativeNames: ['*.dev.orrery.example'],
      validationMethod: 'DNS',
      keyAlgorithm: 'EC_prime256v1',
      options: { certificateTransparencyLoggingPreference: 'ENABLED' },
    });
    const option = 'certificate-certificate.domainValidationOptions[0]';
    assert.deepEqual(resourceNamed(recording, 'certificate-proof').inputs, {
      zoneId: 'Z1',
      name: `\${${option}.resourceRecordName}`,
      type: `\${${option}.resourceRecordType}`,
      records: [`\${${option}.resourceRecordValue}`],
      ttl: 300,
      allowOverwrite: true,
    });
    assert.deepEqual(resourceNamed(recording, 'certificate-validation').inputs, {
      certificateArn: '${certificate-certificate.arn}',
      validationRecordFqdns: ['${certificate-proof.fqdn}'],
    });
    assert.equal(await recording.textOf(recording.result.arn), '${certificate-certificate.arn}');
  });
});
