import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import workerThreads from 'node:worker_threads';
import { Refusal } from './refusal.ts';

type Method = (...words: unknown[]) => unknown;
type Methods = Record<string, Method | undefined>;

const writes = [
  ...[
    'writeFile',
    'appendFile',
    'mkdir',
    'mkdtemp',
    'rm',
    'rmdir',
    'unlink',
    'rename',
    'copyFile',
    'cp',
    'symlink',
    'link',
  ],
  ...['chmod', 'lchmod', 'chown', 'lchown', 'utimes', 'lutimes', 'truncate', 'createWriteStream'],
];
const starts = ['spawn', 'exec', 'execFile', 'fork'];

/**
 * Closes the ways out of the process: sockets, names, files, programs, threads. Whoever tries one is told at once, by what was
 * tried; a program can't catch it. This tells and explains: what enforces it are Node's permissions and, where it is used, a
 * network namespace.
 */
export function isolate(refuse: (refusal: Refusal) => never): void {
  const deny = (owner: object, names: readonly string[], describe: (...words: unknown[]) => Denial | undefined) => {
    const methods = owner as Methods;
    for (const name of names) {
      const original = methods[name];
      if (typeof original !== 'function') continue;
      methods[name] = function (this: unknown, ...words: unknown[]) {
        const denial = describe(...words);
        return denial === undefined ? original.apply(this, words) : refuse(new Refusal(refusalOf(denial)));
      };
    }
  };
  deny(net.Socket.prototype, ['connect'], (...words) => ({
    way: 'network',
    what: `a connection to ${placeOf(words)}`,
  }));
  deny(net.Server.prototype, ['listen'], (...words) => ({ way: 'network', what: `listening on ${placeOf(words)}` }));
  deny(dgram.Socket.prototype, ['bind', 'send', 'connect'], () => ({ way: 'network', what: 'a datagram' }));
  const resolvers = [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype];
  for (const resolver of resolvers) {
    const names = Object.getOwnPropertyNames(resolver).filter((name) => /^(lookup|resolve|reverse)/.test(name));
    deny(resolver, names, (name) => ({ way: 'network', what: `the address of ${String(name)}` }));
  }
  deny(fs, bothForms(writes), (path) => ({ way: 'file', what: String(path) }));
  deny(fs.promises, writes, (path) => ({ way: 'file', what: String(path) }));
  deny(fs, ['open', 'openSync'], denyWriting);
  deny(fs.promises, ['open'], denyWriting);
  deny(childProcess, bothForms(starts), (program) => ({ way: 'program', what: String(program) }));
  deny(childProcess.ChildProcess.prototype, ['spawn'], (options) => ({
    way: 'program',
    what: String((options as { file?: string }).file),
  }));
  const handler: ProxyHandler<typeof workerThreads.Worker> = {
    construct: (_target, [file]) => refuse(new Refusal(refusalOf({ way: 'thread', what: String(file) }))),
  };
  workerThreads.Worker = new Proxy(workerThreads.Worker, handler);
  syncBuiltinESMExports();
}

interface Denial {
  readonly way: 'network' | 'file' | 'program' | 'thread';
  readonly what: string;
}

function refusalOf({ way, what }: Denial) {
  return {
    network: {
      code: 'NETWORK_REFUSED',
      message: `the program tried ${what}`,
      hint: 'a render has no network: pass the value as a setting of the environment',
    },
    file: {
      code: 'WRITE_REFUSED',
      message: `the program tried to write ${what}`,
      hint: 'a render leaves nothing behind: return the value instead',
    },
    program: {
      code: 'PROGRAM_REFUSED',
      message: `the program tried to start ${what}`,
      hint: 'compute it in the program, or pass it as a setting of the environment',
    },
    thread: {
      code: 'THREAD_REFUSED',
      message: `the program tried to start a thread of ${what}`,
      hint: 'compute it in the program itself',
    },
  }[way];
}

function denyWriting(path: unknown, flags: unknown): Denial | undefined {
  const reads = typeof flags !== 'string' && typeof flags !== 'number' ? true : flags === 'r' || flags === 0;
  return reads ? undefined : { way: 'file', what: String(path) };
}

function bothForms(names: readonly string[]): string[] {
  return names.flatMap((name) => [name, `${name}Sync`]);
}

/** Node hands over `(port, host)`, `(options)`, `(path)` or, from its own callers, a list of them. */
function placeOf(words: readonly unknown[]): string {
  const [first, second] = words;
  if (Array.isArray(first)) return placeOf(first);
  if (typeof first === 'object' && first !== null) {
    const { host = 'localhost', port, path } = first as { host?: string; port?: number; path?: string };
    return path ?? `${host}:${port ?? 0}`;
  }
  return typeof second === 'string' ? `${second}:${String(first)}` : String(first);
}
