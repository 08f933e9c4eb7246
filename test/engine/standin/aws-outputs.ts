import { createHash } from 'node:crypto';
import { at, isMap, textAt, type Values } from './values.ts';

export interface Thing {
  readonly type: string;
  readonly id: string;
  readonly inputs: Values;
  readonly region: string;
}

const account = '123456789012';

/** Values of outputs whose form a program reads, by type; every other output is a text of its own. */
const formed: Readonly<Record<string, (thing: Thing) => Values>> = {
  'aws:acm/certificate:Certificate': ({ inputs }) => ({
    domainValidationOptions: [textAt(inputs, 'domainName') ?? ''].map((domainName) => ({
      domainName,
      resourceRecordName: `_${hash(domainName, 12)}.${domainName.replace(/^\*\./, '')}.`,
      resourceRecordType: 'CNAME',
      resourceRecordValue: `_${hash(`${domainName}!`, 12)}.acm-validations.aws.`,
    })),
  }),
  'aws:eks/cluster:Cluster': ({ id, inputs, region }) => {
    const certificateAuthority = { data: Buffer.from(`authority of ${id}`).toString('base64') };
    const issuer = `https://oidc.eks.${region}.amazonaws.com/id/${hash(id, 32)}`;
    return {
      endpoint: `https://${hash(id, 32)}.${region}.eks.amazonaws.com`,
      certificateAuthority,
      certificateAuthorities: [certificateAuthority],
      identities: [{ oidcs: [{ issuer }] }],
      vpcConfig: { ...vpcConfigOf(inputs), clusterSecurityGroupId: `sg-${hash(id, 8)}`, vpcId: `vpc-${hash(id, 8)}` },
    };
  },
  'aws:iam/role:Role': ({ id }) => ({ arn: `arn:aws:iam::${account}:role/${id}`, uniqueId: `AROA${hash(id, 12)}` }),
  'aws:s3/bucket:Bucket': ({ id }) => ({ arn: `arn:aws:s3:::${id}`, bucketDomainName: `${id}.s3.amazonaws.com` }),
};

/** What AWS adds within an input, beside the outputs that the SDK lists. */
export const addedWithin: Readonly<Record<string, readonly string[]>> = {
  'aws:eks/cluster:Cluster': ['vpcConfig'],
};

/** Kinds of identifier by which others refer to a thing; what AWS identifies by a name is not here. */
const identifiers: Readonly<Record<string, string>> = {
  'aws:ec2/launchTemplate:LaunchTemplate': 'lt',
  'aws:ec2/securityGroup:SecurityGroup': 'sg',
  'aws:ec2/subnet:Subnet': 'subnet',
  'aws:ec2/vpc:Vpc': 'vpc',
};

/** An identifier as AWS makes them, for a type that has such. */
export function identifierOf(type: string, seed: string): string | undefined {
  const kind = identifiers[type];
  return kind === undefined ? undefined : `${kind}-0${hash(seed, 16)}`;
}

export function outputsOf(thing: Thing, computed: readonly string[]): Values {
  const { type, id, inputs, region } = thing;
  const [, path = '', noun = ''] = type.split(':');
  const arn = `arn:aws:${path.split('/')[0] ?? ''}:${region}:${account}:${noun.toLowerCase()}/${id}`;
  const usual: Values = { arn, tagsAll: inputs['tags'] ?? {}, region, status: 'ACTIVE', ownerId: account };
  const named = Object.fromEntries(computed.map((name) => [name, usual[name] ?? `${id}-${name}`]));
  return { ...named, ...formed[type]?.(thing) };
}

function vpcConfigOf(inputs: Values): Values {
  const config = at(inputs, 'vpcConfig');
  return isMap(config) ? config : {};
}

export function hash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
