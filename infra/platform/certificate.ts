import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';

export interface CertificateArgs {
  /** For example `dev.orrery.example`: the certificate is for it and for every name directly below it. */
  readonly domain: string;
  /** The public hosted zone in which AWS looks for the proof that the domain is ours. */
  readonly zoneId: string;
}

/** AWS publishes the same record for a name and for what lies below it. */
const recordTtlSeconds = 300;

/**
 * A certificate of ACM, proven by a record in Route 53, by which AWS renews it for ever.
 * Cost driver: none.
 * Refuses nothing; who waits for it waits until AWS has seen the record.
 */
export class Certificate extends ComponentResource {
  /** Known once it is issued. */
  readonly arn: Output<string>;

  constructor(name: string, { domain, zoneId }: CertificateArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Certificate', name, {}, options);
    const certificate = new aws.acm.Certificate(
      `${name}-certificate`,
      {
        domainName: domain,
        subjectAlternativeNames: [`*.${domain}`],
        validationMethod: 'DNS',
        keyAlgorithm: 'EC_prime256v1',
        options: { certificateTransparencyLoggingPreference: 'ENABLED' },
      },
      { parent: this },
    );
    const proof = certificate.domainValidationOptions[0];
    if (proof === undefined) throw new Error('a certificate of ACM has no proof');
    const record = new aws.route53.Record(
      `${name}-proof`,
      {
        zoneId,
        name: proof.resourceRecordName,
        type: proof.resourceRecordType,
        records: [proof.resourceRecordValue],
        ttl: recordTtlSeconds,
        allowOverwrite: true,
      },
      { parent: this },
    );
    const validation = new aws.acm.CertificateValidation(
      `${name}-validation`,
      { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn] },
      { parent: this },
    );
    this.arn = validation.certificateArn;
    this.registerOutputs({ arn: this.arn });
  }
}
