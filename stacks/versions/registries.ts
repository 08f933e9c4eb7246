import { request, unreachable, type Answer, type Fetch, type Publisher } from './publisher.ts';

/** Every form in which a registry may keep what a tag names. */
const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
/** Docker's own name for its registry is not the host that serves it. */
const hostOfName: Readonly<Record<string, string>> = { 'docker.io': 'registry-1.docker.io' };

export interface RegistryOptions {
  readonly fetch: Fetch;
  /** `https`; a test says `http`. */
  readonly scheme?: 'https' | 'http';
}

/** Asks container registries by the distribution protocol: the digest that a tag names today. */
export function imagePublisher(options: RegistryOptions): Publisher {
  return { group: 'images', ask: (_, { repository = '', version }) => askRegistry(options, repository, version) };
}

/** `repository` is `host/path`; `reference` a tag. (OCI distribution specification, pulling manifests.) */
export async function askRegistry(options: RegistryOptions, repository: string, reference: string): Promise<Answer> {
  const { fetch, scheme = 'https' } = options;
  const [name = '', ...path] = repository.split('/');
  const url = `${scheme}://${hostOfName[name] ?? name}/v2/${path.join('/')}/manifests/${reference}`;
  const headers = { Accept: manifestTypes };
  let answer = await request(fetch, url, { method: 'HEAD', headers });
  if (typeof answer === 'string') return unreachable(answer);
  if (answer.status === 401) {
    const token = await fetchToken(fetch, answer.headers.get('www-authenticate') ?? '');
    if (token === undefined) return unreachable(`${name} gives no token to who has no account`);
    answer = await request(fetch, url, { method: 'HEAD', headers: { ...headers, Authorization: `Bearer ${token}` } });
    if (typeof answer === 'string') return unreachable(answer);
  }
  if (answer.status === 404) return { kind: 'unknown', reason: `${repository} has no tag ${reference}` };
  const digest = answer.headers.get('docker-content-digest');
  if (!answer.ok || digest === null)
    return unreachable(`${name} answered ${answer.status} for ${repository}:${reference}`);
  return { kind: 'published', digest, source: repository };
}

/** The token that a registry hands to anybody: its challenge says where. Undefined where it says no. */
async function fetchToken(fetch: Fetch, challenge: string): Promise<string | undefined> {
  const fields = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value]),
  );
  const { realm, ...query } = fields;
  if (realm === undefined) return undefined;
  const answer = await request(fetch, `${realm}?${new URLSearchParams(query).toString()}`);
  if (typeof answer === 'string' || !answer.ok) return undefined;
  const { token, access_token: accessToken } = (await answer.json()) as { token?: string; access_token?: string };
  return token ?? accessToken;
}
