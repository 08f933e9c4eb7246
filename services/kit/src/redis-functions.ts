import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** A library of Redis functions: Lua whose first line is `#!lua name=<name>`. */
export interface FunctionLibrary {
  readonly name: string;
  readonly source: string;
}

export interface FunctionCall {
  /** The name under which the library registers the function. */
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number | Buffer)[];
}

const versionDigits = 12;

/**
 * One library out of Lua files. Its name is `<family>_<version>`, the version being a digest of the sources, and it stands in
 * the Lua variable `library`, for `redis.register_function(library .. '_claim', claim)`: function names are global in a
 * Redis, so two releases that run side by side must not share them.
 */
export function composeLibrary(family: string, sources: readonly string[]): FunctionLibrary {
  const body = sources.join('\n');
  const version = createHash('sha256').update(body).digest('hex').slice(0, versionDigits);
  const name = `${family}_${version}`;
  return { name, source: `#!lua name=${name}\nlocal library = '${name}'\n${body}` };
}

/** Loads the library, in place of one of the same name. Harmless when several processes do it at once. */
export async function loadLibrary(redis: Redis, library: FunctionLibrary): Promise<void> {
  await redis.function('LOAD', 'REPLACE', library.source);
}

/**
 * Calls a function in one atomic step. A Redis that does not have the library (a fresh one, or one without persistence that was
 * restarted) gets it, and the call is made once more. Throws what ioredis throws.
 */
export async function fcall(redis: Redis, library: FunctionLibrary, call: FunctionCall): Promise<unknown> {
  const run = () => redis.fcall(call.name, call.keys.length, ...call.keys, ...call.args);
  try {
    return await run();
  } catch (error) {
    if (!isFunctionMissing(error)) throw error;
    await loadLibrary(redis, library);
    return await run();
  }
}

function isFunctionMissing(error: unknown): boolean {
  return error instanceof Error && error.message.includes('Function not found');
}
