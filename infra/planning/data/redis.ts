import { PlanError } from '#infra/errors.ts';

/** `state` is truth and refuses writes when it is full; `cache` is recomputable and forgets the least used. Never one for both. */
export type RedisRole = 'state' | 'cache';

export interface RedisSetSize {
  readonly role: RedisRole;
  /** Memory of the pod in MiB; the data may take three quarters of it. At least 64. */
  readonly memoryMiB: number;
  /** The volume in GiB: state has one of at least twice the memory, a cache has none. */
  readonly volumeGiB?: number;
}

export interface RedisSetPlan {
  /** What evicts, and when: follows from the role and can't be chosen. */
  readonly policy: 'noeviction' | 'volatile-lru';
  readonly memoryMaxMiB: number;
  /** Absent where nothing is kept. */
  readonly volumeGiB?: number;
  /** Text of `valkey.conf`. */
  readonly configuration: string;
}

export const redisPort = 6379;
export const redisFolders = {
  /** Configuration and scripts, read only. */
  configuration: '/etc/valkey',
  /** The password's file. */
  secret: '/run/orrery',
  /** In memory: the password as a line of configuration, which no process list shows. */
  run: '/run/valkey',
  data: '/data',
} as const;

export const policyOfRole = { state: 'noeviction', cache: 'volatile-lru' } as const;

const memoryMinMiB = 64;
/** The rest is for the copy of what changes while the log is rewritten, for clients' buffers and for the server itself. */
const dataShare = 0.75;

/** Refuses a state that would be forgotten, a cache that would be kept, and a volume on which the log can't be rewritten. */
export function planRedisSet({ role, memoryMiB, volumeGiB }: RedisSetSize): RedisSetPlan {
  if (!Number.isInteger(memoryMiB) || memoryMiB < memoryMinMiB) {
    throw refuse(
      'REDIS_MEMORY_INVALID',
      `Redis for ${role} has ${memoryMiB} MiB`,
      `give it whole MiB, at least ${memoryMinMiB}`,
    );
  }
  if (role === 'cache' && volumeGiB !== undefined) {
    throw refuse(
      'REDIS_VOLUME_INVALID',
      `a cache has a volume of ${volumeGiB} GiB`,
      'leave it out: it can be computed again',
    );
  }
  if (role === 'state' && (volumeGiB === undefined || volumeGiB * 1024 < 2 * memoryMiB)) {
    const message = `state of ${memoryMiB} MiB has a volume of ${volumeGiB ?? 0} GiB`;
    throw refuse('REDIS_VOLUME_INVALID', message, 'give it twice the memory: while the log is rewritten there are two');
  }
  const memoryMaxMiB = Math.floor(memoryMiB * dataShare);
  return {
    policy: policyOfRole[role],
    memoryMaxMiB,
    ...(volumeGiB === undefined ? {} : { volumeGiB }),
    configuration: configurationOf(role, memoryMaxMiB),
  };
}

function configurationOf(role: RedisRole, memoryMaxMiB: number): string {
  const keeps = role === 'state';
  const lines = [
    `include ${redisFolders.run}/password.conf`,
    'bind * -::*',
    `port ${redisPort}`,
    'protected-mode yes',
    `maxmemory ${memoryMaxMiB}mb`,
    `maxmemory-policy ${policyOfRole[role]}`,
    `dir ${keeps ? redisFolders.data : redisFolders.run}`,
    // Snapshots would double what the log of every second already keeps.
    'save ""',
    `appendonly ${keeps ? 'yes' : 'no'}`,
    ...(keeps ? ['appendfsync everysec'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** Writes the password's line where only the server reads it, then becomes the server. */
export const redisStartScript = `#!/bin/sh
set -eu
umask 077
printf 'requirepass %s\\n' "$(cat ${redisFolders.secret}/token)" > ${redisFolders.run}/password.conf
exec valkey-server ${redisFolders.configuration}/valkey.conf
`;

/** Succeeds when the server answers whoever knows the password: while it still reads its log, it doesn't. */
export const redisProbeScript = `#!/bin/sh
set -eu
REDISCLI_AUTH="$(cat ${redisFolders.secret}/token)"
export REDISCLI_AUTH
test "$(valkey-cli -h 127.0.0.1 -p ${redisPort} ping)" = PONG
`;

function refuse(code: string, message: string, hint: string): PlanError {
  return new PlanError({ code, message, hint });
}
