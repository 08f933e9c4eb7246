import { isDeepStrictEqual } from 'node:util';
import { parseDocument, type Digest } from '@orrery/contracts/digest';
import type { Bundle, Release, ReleasedService } from '@orrery/contracts/release';
import type { FileChange, Operation, ServiceCause, ServiceChange } from './change.ts';
import type { Context, Side } from './side.ts';
import { diffValues, type ValueChange } from './values.ts';

type Services = Release['services'];

/** Services that came, went or changed, with the reason: something of their own, or only a peer. */
export function compareServices(base: Side | undefined, head: Side, { object }: Context): ServiceChange[] {
  const [before, after] = [base?.release.services ?? {}, head.release.services];
  return namesOf(before, after).flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    if (isDeepStrictEqual(partsOf(from), partsOf(to))) return [];
    const change: ServiceChange = {
      name,
      operation: operationOf(from, to),
      own: { before: from?.own ?? null, after: to?.own ?? null },
      closure: { before: from?.closure ?? null, after: to?.closure ?? null },
      causes: from === undefined || to === undefined ? [] : causesOf(from, to),
      peers: from === undefined || to === undefined ? [] : changedPeers(name, before, after),
      contract: from === undefined || to === undefined ? [] : diffContracts(from, to, object),
      files: diffBundles(from?.bundle, to?.bundle, object),
    };
    return [change];
  });
}

/** Everything of a service but what the config level tells of its manifest. The digests say it already, if nobody touched them. */
function partsOf(service: ReleasedService | undefined): unknown {
  if (service === undefined) return null;
  const { runtime, bundle, image, config, contract, dependencies, native, definitions, own, closure } = service;
  const parts = { runtime, bundle, image, config, contract, dependencies, native, definitions, own, closure };
  return [parts, contractOf(service)];
}

function operationOf(from: unknown, to: unknown): Operation {
  if (from === undefined) return 'added';
  return to === undefined ? 'removed' : 'changed';
}

/** Why the own version changed: what enters its digest, one by one. */
function causesOf(from: ReleasedService, to: ReleasedService): ServiceCause[] {
  const differs = (read: (service: ReleasedService) => unknown) => !isDeepStrictEqual(read(from), read(to));
  const causes: ServiceCause[] = [];
  if (differs(({ bundle }) => bundle)) causes.push('code');
  if (differs(({ dependencies }) => dependencies)) causes.push('dependencies');
  if (differs(({ native }) => native)) causes.push('native packages');
  if (differs(({ runtime }) => runtime)) causes.push('runtime');
  if (differs(({ definitions }) => definitions)) causes.push('definitions');
  if (differs(({ config }) => config)) causes.push('config');
  if (differs((service) => [service.contract, contractOf(service)])) causes.push('contract');
  if (differs(({ image }) => [image.base, image.platform])) causes.push('image base');
  // The image follows from all of these; when it alone differs, it is made in another way.
  if (causes.length === 0 && differs(({ image }) => image.digest)) causes.push('image recipe');
  return causes;
}

/** Peers, of their own or through others, whose own version changed: what the closure changed by. */
function changedPeers(name: string, before: Services, after: Services): string[] {
  const reached = new Set<string>();
  const open = [...(before[name]?.manifest.peers ?? []), ...(after[name]?.manifest.peers ?? [])];
  for (let peer = open.pop(); peer !== undefined; peer = open.pop()) {
    if (peer === name || reached.has(peer)) continue;
    reached.add(peer);
    open.push(...(before[peer]?.manifest.peers ?? []), ...(after[peer]?.manifest.peers ?? []));
  }
  return [...reached].filter((peer) => before[peer]?.own !== after[peer]?.own).sort();
}

function diffContracts(from: ReleasedService, to: ReleasedService, object: Context['object']): ValueChange[] {
  const [before, after] = [readDocument(from.contract, object), readDocument(to.contract, object)];
  const documents = before === undefined || after === undefined ? [] : diffValues(before, after);
  const told = documents.length > 0 ? documents : diffValues(contractOf(from), contractOf(to));
  return told.length > 0 || from.contract === to.contract
    ? told
    : [{ path: 'contract', pointer: '', before: from.contract, after: to.contract }];
}

function contractOf({ manifest }: ReleasedService): object {
  const { consumes, produces, keySpaces, definitions, peers } = manifest;
  return { consumes, produces, keySpaces, definitions, peers };
}

/** Null where a bundle is not at hand. */
export function diffBundles(
  from: Digest | undefined,
  to: Digest | undefined,
  object: Context['object'],
): FileChange[] | null {
  if (from === to) return [];
  const [before, after] = [from, to].map((digest) =>
    digest === undefined ? { files: [] } : readBundle(digest, object),
  );
  if (before === undefined || after === undefined) return null;
  const [earlier, later] = [before, after].map(({ files }) => new Map(files.map((file) => [file.path, file])));
  const paths = [...new Set([...(earlier?.keys() ?? []), ...(later?.keys() ?? [])])].sort();
  return paths.flatMap((path) => {
    const [one, other] = [earlier?.get(path), later?.get(path)];
    if (one?.object === other?.object) return [];
    const bytes = { before: one?.bytes ?? null, after: other?.bytes ?? null };
    return [{ path, operation: operationOf(one, other), bytes }];
  });
}

function readBundle(digest: Digest, object: Context['object']): Pick<Bundle, 'files'> | undefined {
  return readDocument(digest, object) as Bundle | undefined;
}

export function readDocument(digest: Digest, object: Context['object']): unknown {
  const bytes = object(digest);
  return bytes === undefined ? undefined : parseDocument(bytes.toString('utf8'));
}

export function namesOf(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
}
