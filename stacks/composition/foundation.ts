import * as aws from '@pulumi/aws';
import { planTags } from '#infra/planning/tags.ts';
import { Key } from '#infra/security/key.ts';
import type { AwsSettings } from '../settings/settings.ts';
import type { Foundation } from './layers.ts';

/** The account's provider and the key. */
export function createFoundation(environment: string, settings: AwsSettings): Foundation {
  const { region, account } = settings;
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
  return { environment, region, accountId: account.id, tags, providers, keyArn: key.arn };
}
