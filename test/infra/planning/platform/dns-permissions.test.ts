import assert from 'node:assert/strict';
import { planDnsPermissions } from '#infra/planning/platform/dns-permissions.ts';

describe('what external-dns may do', () => {
  it('adds and changes records of one zone below one domain, and never deletes', () => {
    assert.deepEqual(planDnsPermissions({ zoneId: 'Z1', domain: 'dev.orrery.example' }), [
      {
        actions: ['route53:ChangeResourceRecordSets'],
        resources: ['arn:aws:route53:::hostedzone/Z1'],
        condition: {
          'ForAllValues:StringEquals': {
            'route53:ChangeResourceRecordSetsActions': ['CREATE', 'UPSERT'],
            'route53:ChangeResourceRecordSetsRecordTypes': ['A', 'AAAA', 'CNAME', 'TXT'],
          },
          'ForAllValues:StringLike': {
            'route53:ChangeResourceRecordSetsNormalizedRecordNames': ['dev.orrery.example', '*.dev.orrery.example'],
          },
        },
      },
      {
        actions: ['route53:ListResourceRecordSets', 'route53:ListTagsForResource'],
        resources: ['arn:aws:route53:::hostedzone/Z1'],
      },
      { actions: ['route53:ListHostedZones', 'route53:ListHostedZonesByName'], resources: ['*'] },
    ]);
  });
});
