import type { Permission } from '../iam.ts';

/**
 * What external-dns may do: add and change addresses and its own marks, in one zone, at and below one domain; never delete, whatever
 * its settings say.
 */
export function planDnsPermissions({ zoneId, domain }: { zoneId: string; domain: string }): Permission[] {
  const zone = `arn:aws:route53:::hostedzone/${zoneId}`;
  return [
    {
      actions: ['route53:ChangeResourceRecordSets'],
      resources: [zone],
      condition: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsActions': ['CREATE', 'UPSERT'],
          'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'CNAME', 'TXT'],
        },
        'ForAllValues:StringLike': { 'route53:ChangeResourceRecordSetsNormalizedRecordNames': [domain, `*.${domain}`] },
      },
    },
    { actions: ['route53:ListResourceRecordSets', 'route53:ListTagsForResource'], resources: [zone] },
    // Which zones there are can only be asked of all.
    { actions: ['route53:ListHostedZones', 'route53:ListHostedZonesByName'], resources: ['*'] },
  ];
}
