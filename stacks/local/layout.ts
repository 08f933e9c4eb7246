import { join } from 'node:path';
import { shortDigest } from '@orrery/contracts/digest';
import type { ReleasedService } from '@orrery/contracts/release';
import type { Places } from '../release/places.ts';

/** Every file and folder of the local environment: all below the state folder, none of it in git. */
export interface Layout {
  readonly root: string;
  readonly state: string;
  readonly token: string;
  readonly agent: string;
  readonly processes: string;
  readonly versions: string;
  readonly configs: string;
  readonly logs: string;
  readonly store: string;
  data(service: string): string;
}

export function layoutOf(places: Places): Layout {
  const { root, state } = places;
  return {
    root,
    state,
    token: join(state, 'state', 'token'),
    agent: join(state, 'run', 'agent.json'),
    processes: join(state, 'run', 'processes.json'),
    versions: join(state, 'versions'),
    configs: join(state, 'run', 'config'),
    logs: join(state, 'logs'),
    store: join(state, 'store'),
    data: (service) => join(state, 'state', service),
  };
}

/** Where a service's bundle and definitions are laid out. */
export function versionFolder(layout: Layout, { manifest, own }: ReleasedService): string {
  return join(layout.versions, `${manifest.name}-${shortDigest(own)}`);
}
