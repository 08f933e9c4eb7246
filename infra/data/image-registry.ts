import * as aws from '@pulumi/aws';
import { ComponentResource, type ComponentResourceOptions, type Input, type Output } from '@pulumi/pulumi';
import { cachedRegistries, planImageLifecycle, planRepositories } from '../planning/data/image-registry.ts';
import { stateful } from '../planning/stateful.ts';

export interface ImageRegistryArgs {
  /** What every repository's name begins with, for example `orrery`. */
  readonly prefix: string;
  /** Services of the release, each of which has a repository. At least one. */
  readonly services: readonly string[];
  /** `basic`: when an image is pushed. `enhanced`: also whenever a flaw becomes known, packages included, by Amazon Inspector. */
  readonly scan: 'basic' | 'enhanced';
  /** The customer-managed key. */
  readonly keyArn: Input<string>;
}

/**
 * Where the images of releases lie, one repository a service: a tag never moves, every image is scanned, none that a release names is
 * deleted. Beside them the caches of public registries that ask for no password.
 * Cost driver: bytes kept; enhanced scans by the image.
 * Refuses: no service, or one whose name no repository can have. The scanning is the account's: one environment an account.
 */
export class ImageRegistry extends ComponentResource {
  /** Service -> where its images are pushed, without tag. */
  readonly urls: Readonly<Record<string, Output<string>>>;

  constructor(name: string, args: ImageRegistryArgs, options?: ComponentResourceOptions) {
    super('orrery:data:ImageRegistry', name, {}, options);
    const urls = planRepositories(args.prefix, args.services).map(({ repositoryName, service }) => {
      const repository = new aws.ecr.Repository(
        `${name}-${service}`,
        {
          name: repositoryName,
          imageTagMutability: 'IMMUTABLE',
          imageScanningConfiguration: { scanOnPush: true },
          encryptionConfigurations: [{ encryptionType: 'KMS', kmsKey: args.keyArn }],
          forceDelete: false,
        },
        stateful({ parent: this }),
      );
      new aws.ecr.LifecyclePolicy(
        `${name}-${service}-lifecycle`,
        { repository: repository.name, policy: planImageLifecycle() },
        { parent: this },
      );
      return [service, repository.repositoryUrl] as const;
    });
    this.#createScan(name, args);
    this.#createCaches(name);
    this.urls = Object.fromEntries(urls);
    this.registerOutputs({ urls: this.urls });
  }

  #createScan(name: string, { scan }: ImageRegistryArgs): void {
    const repositoryFilters = [{ filter: '*', filterType: 'WILDCARD' }];
    const frequencies = scan === 'enhanced' ? ['SCAN_ON_PUSH', 'CONTINUOUS_SCAN'] : ['SCAN_ON_PUSH'];
    new aws.ecr.RegistryScanningConfiguration(
      `${name}-scan`,
      {
        scanType: scan === 'enhanced' ? 'ENHANCED' : 'BASIC',
        rules: frequencies.map((scanFrequency) => ({ scanFrequency, repositoryFilters })),
      },
      { parent: this },
    );
  }

  #createCaches(name: string): void {
    for (const { prefix, host } of cachedRegistries) {
      // What is cached is public, so AWS's own key does; with ours the cache would need a role to use it.
      const template = new aws.ecr.RepositoryCreationTemplate(
        `${name}-${prefix}-template`,
        {
          prefix,
          description: `copies of ${host}`,
          appliedFors: ['PULL_THROUGH_CACHE'],
          imageTagMutability: 'IMMUTABLE',
          encryptionConfigurations: [{ encryptionType: 'AES256' }],
          lifecyclePolicy: planImageLifecycle(),
        },
        { parent: this },
      );
      new aws.ecr.PullThroughCacheRule(
        `${name}-${prefix}-cache`,
        { ecrRepositoryPrefix: prefix, upstreamRegistryUrl: host },
        { parent: this, dependsOn: [template] },
      );
    }
  }
}
