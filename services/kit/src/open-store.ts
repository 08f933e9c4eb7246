import { createBucketStore } from './bucket-store.ts';
import type { StorePlace } from './config.ts';
import { createFolderStore, type ObjectStore } from './store.ts';

/** The store, wherever an environment has it. */
export function openStore(place: StorePlace): ObjectStore {
  return 'folder' in place ? createFolderStore(place.folder) : createBucketStore(place);
}
