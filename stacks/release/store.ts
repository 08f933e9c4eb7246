import { createFolderStore, type ObjectStore } from '@orrery/kit/store';
import { storeFolder, type Places } from './places.ts';

/** The content-addressed store of this machine. */
export function openStore(places: Places): ObjectStore {
  return createFolderStore(storeFolder(places));
}
