/**
 * Every version of somebody else's software that the cloud components ask for, in one file, so that nothing is "latest" and a
 * release says what it stood on.
 */
export interface PinnedVersion {
  readonly version: string;
  /**
   * False until the publisher's own interface has been asked (`aws eks describe-addon-versions`, a registry): then nothing here
   * proves that the version exists in the region of an environment.
   */
  readonly verified: boolean;
  /** Where the version was seen, and when. */
  readonly source: string;
}

export interface PinnedImage extends PinnedVersion {
  readonly repository: string;
  readonly digest: `sha256:${string}`;
}

const repositories = 'seen in public repositories, 2026-11-20';

/** The control plane; node pools take the version from the cluster's output, so that they follow it. */
export const kubernetesVersion = '1.34';

export const addonVersions = {
  'vpc-cni': { version: 'v1.22.4-eksbuild.3', verified: false, source: repositories },
  'kube-proxy': { version: 'v1.34.6-eksbuild.21', verified: false, source: repositories },
  'eks-pod-identity-agent': { version: 'v1.3.10-eksbuild.3', verified: false, source: repositories },
  coredns: { version: 'v1.12.4-eksbuild.29', verified: false, source: repositories },
  'aws-ebs-csi-driver': { version: 'v1.63.0-eksbuild.1', verified: false, source: repositories },
  'metrics-server': { version: 'v0.9.0-eksbuild.7', verified: false, source: repositories },
} as const satisfies Record<string, PinnedVersion>;

export const valkeyVersion = {
  version: '8.2',
  family: 'valkey8',
  verified: false,
  source: 'docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Engine.html, 2026-11-20',
} as const satisfies PinnedVersion & { family: string };

export const clickhouseImage = {
  repository: 'docker.io/clickhouse/clickhouse-server',
  version: '26.3.17.4',
  digest: 'sha256:85c434814ac8905e5648027ce926f74ab067edd6aadbccb6c0c165cd3571ea49',
  verified: false,
  source: repositories,
} as const satisfies PinnedImage;

/** A container image by digest; the tag is there for people only. */
export function imageReference(image: PinnedImage): string {
  return `${image.repository}:${image.version}@${image.digest}`;
}
