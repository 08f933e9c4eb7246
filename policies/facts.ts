import type { Facts, ListedVersion } from './rule.ts';

interface Noted {
  readonly version: string;
  readonly verified: boolean;
}

/** The list of other people's software as infra/planning/versions.json has it. */
export interface VersionsFile {
  readonly addons: Readonly<Record<string, Noted>>;
  readonly charts: Readonly<Record<string, Noted & { readonly chart: string; readonly repository: string }>>;
  readonly engines: Readonly<Record<string, Noted>>;
  readonly images: Readonly<Record<string, Noted & { readonly repository: string }>>;
}

export function factsOf({ addons, charts, engines, images }: VersionsFile): Facts {
  return {
    versions: [
      ...Object.entries(addons).map(([name, noted]) => list('addon', name, noted)),
      ...Object.values(charts).map((noted) => list('chart', chartOf(noted), noted)),
      ...Object.entries(engines).map(([name, noted]) => list('engine', name, noted)),
      ...Object.values(images).map((noted) => list('image', noted.repository, noted)),
    ],
  };
}

function list(kind: ListedVersion['kind'], name: string, { version, verified }: Noted): ListedVersion {
  return { kind, name, version, verified };
}

/** As a release of Helm has it: of an `oci://` address the last part. */
function chartOf({ chart, repository }: { readonly chart: string; readonly repository: string }): string {
  return repository.startsWith('oci://') ? (repository.split('/').at(-1) ?? chart) : chart;
}
