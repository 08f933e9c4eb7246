import { join } from 'node:path';

/** Where the records of an environment lie: machine state for `local`, git for all others. */
export interface Places {
  /** The clone. */
  readonly root: string;
  /** Machine state, git-ignored: `<root>/.orrery` unless ORRERY_STATE says otherwise. */
  readonly state: string;
}

export const localEnvironment = 'local';

export function isLocal(environment: string): boolean {
  return environment === localEnvironment;
}

/** Where records are added for an environment. */
export function recordsFolder(places: Places, environment: string): string {
  return isLocal(environment) ? join(places.state, 'records') : join(places.root, 'stacks', 'records');
}

/** Where records are looked for: a release made anywhere can be pinned locally. */
export function recordsFolders(places: Places): string[] {
  return [join(places.root, 'stacks', 'records'), join(places.state, 'records')];
}

export function pinFile(places: Places, environment: string): string {
  const folder = isLocal(environment) ? join(places.state, 'pins') : join(places.root, 'stacks', 'pins');
  return join(folder, `${environment}.json`);
}

/** An environment's ledger: one file an entry. */
export function ledgerFolder(places: Places, environment: string): string {
  return join(recordsFolder(places, environment), 'ledger', environment);
}

export function storeFolder(places: Places): string {
  return join(places.state, 'store');
}
