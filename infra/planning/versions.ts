import pinned from './versions.json' with { type: 'json' };

/*
 * Every version of somebody else's software that the cloud components ask for stands in versions.json, so that nothing is "latest" and a
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
  /** `sha256:` and 64 digits. */
  readonly digest: string;
}

export interface PinnedChart extends PinnedVersion {
  /** Where charts lie, for example `https://charts.jetstack.io`; an `oci://` one holds the chart's name too. */
  readonly repository: string;
  readonly chart: string;
  /** Of the chart's archive; null until a registry has told it. */
  readonly digest: string | null;
}

/** The control plane; node pools take the version from the cluster's output, so that they follow it. */
export const kubernetesVersion: string = pinned.kubernetes;

export const addonVersions = pinned.addons satisfies Record<string, PinnedVersion>;
export const engineVersions = pinned.engines satisfies Record<string, PinnedVersion>;
/** The operating systems of nodes, as Karpenter names them. */
export const machineImages = pinned.machineImages satisfies Record<string, PinnedVersion>;
export const images = pinned.images satisfies Record<string, PinnedImage>;
export const charts = pinned.charts satisfies Record<string, PinnedChart>;

export type ImageName = keyof typeof images;
export type ChartName = keyof typeof charts;

/** A container image by digest; the tag is there for people only. */
export function imageReference(name: ImageName): string {
  const { repository, version, digest } = images[name];
  return `${repository}:${version}@${digest}`;
}
