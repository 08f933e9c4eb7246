import { composeLibrary, type FunctionLibrary } from '@orrery/kit/redis-functions';
import { readLibrary } from '#services/orchestrator/src/library.ts';

const bound = /^local work_max = \d+$/m;

/** The functions as they are, but for how much work a call may do: a small bound cuts work into many calls. */
export function libraryWith(workMax: number | undefined): FunctionLibrary {
  const library = readLibrary();
  if (workMax === undefined) return library;
  if (!bound.test(library.source)) throw new Error('the functions no longer say work_max in this form');
  const source = library.source.replace(bound, `local work_max = ${workMax}`);
  // The first two lines name the library; a library of another bound has a name of its own.
  return composeLibrary('orrery_orchestrator', [source.split('\n').slice(2).join('\n')]);
}
