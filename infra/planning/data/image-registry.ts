import { PlanError } from '#infra/errors.ts';

export interface RepositoryPlan {
  /** As the registry knows it: what images are pushed to and pulled from. */
  readonly repositoryName: string;
  readonly service: string;
}

/** Public registries that ECR caches without asking who we are, and the prefix under which their images then lie. */
export const cachedRegistries = [
  { prefix: 'ecr-public', host: 'public.ecr.aws' },
  { prefix: 'kubernetes', host: 'registry.k8s.io' },
  { prefix: 'quay', host: 'quay.io' },
] as const;

const untaggedDays = 14;

/** One repository a service, below one name. */
export function planRepositories(prefix: string, services: readonly string[]): RepositoryPlan[] {
  if (services.length === 0) {
    throw refuse('the release has no service', 'a registry of no repository holds nothing: name at least one');
  }
  return [...new Set(services)].sort().map((service) => {
    const repositoryName = `${prefix}/${service}`;
    if (!/^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+([._-][a-z0-9]+)*)+$/.test(repositoryName)) {
      throw refuse(
        `"${repositoryName}" can't be a repository`,
        'use a-z, 0-9, and between them dots, hyphens or underscores',
      );
    }
    return { repositoryName, service };
  });
}

/** An image is tagged by the release that names it: one without a tag belongs to none, and goes. Nothing else ever does. */
export function planImageLifecycle(): string {
  return JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        description: 'of no release',
        selection: {
          tagStatus: 'untagged',
          countType: 'sinceImagePushed',
          countUnit: 'days',
          countNumber: untaggedDays,
        },
        action: { type: 'expire' },
      },
    ],
  });
}

function refuse(message: string, hint: string): PlanError {
  return new PlanError({ code: 'REPOSITORY_INVALID', message, hint });
}
