import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import type { Axis, Perturbation } from './protocol.ts';

const yearMs = 365.25 * 24 * 3_600_000;
const delayMaxMs = 12;

/** Numbers from 0 to below 1 that follow from a seed (mulberry32). */
function numbersFrom(seed: number): () => number {
  let state = (seed * 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of one axis: the perturbation's where the axis is named, else that of the machine to compare with. */
export function seedOf({ seed, axes }: Perturbation, axis: Axis): number {
  return axes.includes(axis) ? seed : 0;
}

/**
 * Makes the machine look like another: called before anything else is loaded, so that nobody holds the true functions. Returns
 * the delay that reorders what the program waits for.
 */
export function perturb(perturbation: Perturbation): () => Promise<void> {
  setClock(seedOf(perturbation, 'clock'));
  setRandom(seedOf(perturbation, 'random'));
  setIdentity(seedOf(perturbation, 'identity'));
  setProcess(seedOf(perturbation, 'process'));
  const delay = setOrder(seedOf(perturbation, 'order'));
  syncBuiltinESMExports();
  return delay;
}

/** Starts decades away, and moves by a millisecond each time somebody looks: no two looks agree, and no two runs differ. */
function setClock(seed: number): void {
  const startMs = 1_700_000_000_000 + Math.round((numbersFrom(seed)() - 0.5) * 60 * yearMs) * Math.sign(seed);
  let passedMs = 0;
  const now = () => startMs + ++passedMs;
  const TrueDate = Date;
  const handler: ProxyHandler<DateConstructor> = {
    construct: (target, words, newTarget) =>
      Reflect.construct(target, words.length === 0 ? [now()] : words, newTarget) as object,
    apply: () => new TrueDate(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : (Reflect.get(target, key, receiver) as unknown)),
  };
  globalThis.Date = new Proxy(TrueDate, handler);
  // A process that has run for longer.
  const elapsedMs = () => seed * 1000 + now() - startMs;
  performance.now = elapsedMs;
  const hrtime = () => [Math.floor(now() / 1000), 0] as [number, number];
  process.hrtime = Object.assign(hrtime, { bigint: () => BigInt(now()) * 1_000_000n });
  process.uptime = () => elapsedMs() / 1000;
}

function setRandom(seed: number): void {
  const next = numbersFrom(seed + 1);
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => Math.floor(next() * 256)));
  const fill = <T extends NodeJS.ArrayBufferView>(target: T): T => {
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes(target.byteLength));
    return target;
  };
  const uuid = () => {
    const hex = bytes(16).toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}` as const;
  };
  Math.random = next;
  type Later<T> = (error: Error | null, value: T) => void;
  const later = <T>(value: T, callback: unknown): T => {
    if (typeof callback === 'function') setImmediate(() => (callback as Later<T>)(null, value));
    return value;
  };
  const integer = (low: number, high?: unknown) =>
    typeof high === 'number' ? low + Math.floor(next() * (high - low)) : Math.floor(next() * low);
  replace(crypto, {
    randomUUID: uuid,
    randomBytes: (size: number, callback?: unknown) => later(bytes(size), callback),
    randomInt: (low: number, high?: unknown, callback?: unknown) =>
      later(integer(low, high), typeof high === 'function' ? high : callback),
    randomFillSync: fill,
    randomFill: (target: NodeJS.ArrayBufferView, callback: unknown) => later(fill(target), callback),
  });
  replace(globalThis.crypto, { randomUUID: uuid, getRandomValues: fill });
}

function setIdentity(seed: number): void {
  const name = `machine-${seed}`;
  const home = `/home/user-${seed}`;
  replace(os, {
    hostname: () => name,
    homedir: () => home,
    tmpdir: () => `/var/tmp-${seed}`,
    userInfo: () => ({ username: `user-${seed}`, uid: 1000 + seed, gid: 1000 + seed, shell: '/bin/sh', homedir: home }),
    networkInterfaces: () => ({}),
    cpus: () => Array.from({ length: 1 + (seed % 64) }, () => ({ model: name, speed: 1000 + seed, times: {} })),
    availableParallelism: () => 1 + (seed % 64),
    totalmem: () => (1 + seed) * 2 ** 30,
    freemem: () => (1 + seed) * 2 ** 29,
    uptime: () => 1000 * (1 + seed),
    loadavg: () => [seed, seed, seed],
    release: () => `6.${seed}.0`,
    version: () => `#${seed}`,
  });
  replace(process, { getuid: () => 1000 + seed, geteuid: () => 1000 + seed, getgid: () => 1000 + seed });
}

function setProcess(seed: number): void {
  replace(process, { pid: 1000 + seed, ppid: 500 + seed });
}

/** What is waited for comes in another order, and so do the names in a folder. */
function setOrder(seed: number): () => Promise<void> {
  const next = numbersFrom(seed + 2);
  if (seed === 0) return () => Promise.resolve();
  const setTrueTimeout = globalThis.setTimeout;
  globalThis.setTimeout = Object.assign(
    (use: () => void, delayMs?: number, ...words: unknown[]) =>
      setTrueTimeout(use, (delayMs ?? 0) + Math.floor(next() * delayMaxMs), ...(words as [])),
    setTrueTimeout,
  );
  const shuffle = <T>(names: T[]): T[] => {
    const keyed = names.map((name) => ({ name, key: next() }));
    return keyed.sort((left, right) => left.key - right.key).map((one) => one.name);
  };
  const { readdirSync } = fs;
  const { readdir } = fs.promises;
  replace(fs, {
    readdirSync: (...words: unknown[]) => shuffle(Reflect.apply(readdirSync, fs, words) as unknown[]),
  });
  replace(fs.promises, {
    readdir: async (...words: unknown[]) => shuffle((await Reflect.apply(readdir, fs.promises, words)) as unknown[]),
  });
  return () => new Promise((resolve) => setTrueTimeout(resolve, Math.floor(next() * delayMaxMs)));
}

/** Also where a property has a getter alone. */
function replace(owner: object, properties: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(properties)) {
    Object.defineProperty(owner, name, { value, configurable: true, enumerable: true, writable: true });
  }
}
