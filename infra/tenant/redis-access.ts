import * as aws from '@pulumi/aws';
import * as kubernetes from '@pulumi/kubernetes';
import { RandomPassword } from '@pulumi/random';
import { interpolate, type ComponentResource, type Input } from '@pulumi/pulumi';
import { PlanError } from '../errors.ts';
import { stateful } from '../planning/stateful.ts';
import { planRedisAccess, tenantUser } from '../planning/tenant/tenants.ts';

/** Who keeps the users of Redis. */
export type TenantRedis =
  | {
      readonly kind: 'elasticache';
      /** The group of users that the replication group asks. */
      readonly userGroupId: Input<string>;
      /** Set before the tenant's name, because users are known in the whole account and region, for example `orrery-dev`. */
      readonly userPrefix: string;
    }
  | {
      /** A Redis in a pod, which reads its users from Secrets. */
      readonly kind: 'acl';
      /** Namespace of that pod. */
      readonly namespace: Input<string>;
    };

interface Made {
  readonly tenant: string;
  /** The tenant's own. */
  readonly namespace: Input<string>;
  readonly redis: TenantRedis;
}

/** ElastiCache's own bound. */
const userIdLettersMax = 40;

/** Label by which a Redis in a pod finds the users that it has to know. */
export const redisUserLabel = { 'orrery.dev/redis-user': 'tenant' } as const;

/**
 * A tenant's user `tenant-<tenant>`, limited to its own keys, and its password as a Secret `redis` in the tenant's namespace.
 */
export function createTenantRedis(parent: ComponentResource, name: string, { tenant, namespace, redis }: Made): void {
  const access = planRedisAccess(tenant);
  const user = tenantUser(tenant);
  const password = new RandomPassword(`${name}-redis-password`, { length: 48, special: false }, stateful({ parent }));
  new kubernetes.core.v1.Secret(
    `${name}-redis-secret`,
    // The tenant's pods name it.
    { metadata: { namespace, name: 'redis' }, stringData: { password: password.result } },
    { parent },
  );
  if (redis.kind === 'acl') {
    new kubernetes.core.v1.Secret(
      `${name}-redis-rules`,
      {
        metadata: { namespace: redis.namespace, labels: redisUserLabel },
        stringData: { [`${user}.acl`]: interpolate`user ${user} ${access} >${password.result}` },
      },
      { parent },
    );
    return;
  }
  const userId = userIdOf(redis.userPrefix, tenant);
  const made = new aws.elasticache.User(
    `${name}-redis-user`,
    {
      userId,
      userName: user,
      engine: 'valkey',
      accessString: access,
      authenticationMode: { type: 'password', passwords: [password.result] },
    },
    { parent },
  );
  new aws.elasticache.UserGroupAssociation(
    `${name}-redis-member`,
    { userGroupId: redis.userGroupId, userId: made.userId },
    { parent },
  );
}

function userIdOf(prefix: string, tenant: string): string {
  const userId = `${prefix}-${tenant}`;
  if (userId.length <= userIdLettersMax) return userId;
  throw new PlanError({
    code: 'REDIS_USER_LONG',
    message: `the Redis user "${userId}" has ${userId.length} letters`,
    hint: `shorten the environment's or the tenant's name: ElastiCache takes ${userIdLettersMax}`,
  });
}
