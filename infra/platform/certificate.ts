import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import { planHostNames } from '../planning/platform/certificates.ts';

export interface CertificateArgs {
  /** For example `dev.orrery.example`. */
  readonly domain: string;
  /** Labels directly below the domain, for example `console`. At least one. */
  readonly hosts: readonly string[];
  /** The public hosted zone in which AWS looks for the proof that the names are ours. */
  readonly zoneId: string;
}

const recordTtlSeconds = 300;

/**
 * A certificate of ACM for each host, proven by a record in Route 53, by which AWS renews it for ever. None is for every name below the
 * domain: whoever took its key could be any host that is ever made.
 * Cost driver: none.
 * Refuses: to certify nothing. Who waits for one waits until AWS has seen its record.
 */
export class Certificate extends ComponentResource {
  /** In the order of the hosts; each is known once it is issued. */
  readonly arns: readonly Output<string>[];

  constructor(name: string, { domain, hosts, zoneId }: CertificateArgs, options?: ComponentResourceOptions) {
    super('orrery:platform:Certificate', name, {}, options);
    const domainNames = planHostNames(domain, hosts);
    this.arns = hosts.map((host, index) => this.#certify(`${name}-${host}`, domainNames[index] ?? domain, zoneId));
    this.registerOutputs({ arns: this.arns });
  }

  #certify(name: string, domainName: string, zoneId: string): Output<string> {
    const certificate = new aws.acm.Certificate(
      `${name}-certificate`,
      {
        domainName,
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
    return validation.certificateArn;
  }
}
