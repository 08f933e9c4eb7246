import * as aws from '@pulumi/aws';
import { Bucket } from '#infra/data/bucket.ts';
import { takesAccessLogs } from '#infra/planning/data/bucket.ts';
import { planTags } from '#infra/planning/tags.ts';
import { Key } from '#infra/security/key.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { Foundation } from './layers.ts';

/** The account's provider, the key, and the bucket of who read and wrote what, before there is anything to read. */
export function createFoundation(environment: string, settings: AwsSettings): Foundation {
  const { region, account, archive } = settings;
  const tags = planTags({ environment, ...settings.tags });
  const provider = new aws.Provider('aws', { region, allowedAccountIds: [account.id], defaultTags: { tags } });
  const providers = { aws: provider };
  const key = new Key(
    'key',
    {
      description: `Orrery ${environment}: the store, Redis, Kubernetes secrets, control plane logs`,
      accountId: account.id,
      servicePrincipals: [`logs.${region}.amazonaws.com`],
    },
    { providers },
  );
  const accessLogs = new Bucket(
    'access-logs',
    {
      // No key of ours: S3 delivers logs by its own alone.
      lifecycle: { expireDays: archive.accessLogDays, noncurrentDays: 1 },
      statements: [takesAccessLogs(account.id)],
    },
    { providers },
  );
  return { environment, region, accountId: account.id, tags, providers, keyArn: key.arn, accessLogs };
}
