import { closest } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { request, unreachable, type Answer, type Publisher } from './publisher.ts';
import { askRegistry, type RegistryOptions } from './registries.ts';

interface ChartIndex {
  readonly entries?: Readonly<Record<string, readonly { readonly version: string; readonly digest?: string }[]>>;
}

/** Asks where charts lie: a repository's index, or the registry for one that is an OCI artifact. */
export function chartPublisher(options: RegistryOptions): Publisher {
  return {
    group: 'charts',
    ask: (_, { repository = '', chart = '', version }) =>
      repository.startsWith('oci://')
        ? askRegistry(options, repository.slice('oci://'.length), version)
        : askIndex(options, { repository, chart, version }),
  };
}

interface ChartRequest {
  readonly repository: string;
  readonly chart: string;
  readonly version: string;
}

async function askIndex({ fetch }: RegistryOptions, { repository, chart, version }: ChartRequest): Promise<Answer> {
  const answer = await request(fetch, `${repository}/index.yaml`);
  if (typeof answer === 'string') return unreachable(answer);
  if (!answer.ok) return unreachable(`${repository} answered ${answer.status}`);
  const { entries = {} } = parse(await answer.text()) as ChartIndex;
  const releases = entries[chart];
  if (releases === undefined) {
    const nearest = closest(chart, Object.keys(entries));
    return { kind: 'unknown', reason: `${repository} has no chart "${chart}", did you mean "${nearest}"?` };
  }
  const found = releases.find((release) => release.version.replace(/^v/, '') === version.replace(/^v/, ''));
  if (found === undefined) {
    const nearest = closest(
      version,
      releases.map((release) => release.version),
    );
    return { kind: 'unknown', reason: `${chart} has no version ${version}, near it is ${nearest}` };
  }
  const digest = found.digest === undefined ? undefined : `sha256:${found.digest.replace(/^sha256:/, '')}`;
  return { kind: 'published', source: repository, ...(digest === undefined ? {} : { digest }) };
}
