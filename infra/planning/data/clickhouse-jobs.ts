import { interpolate, output, type Input, type Output } from '@pulumi/pulumi';
import { clickHousePorts, coldVolume } from './clickhouse.ts';

/** Where a job finds the servers and the password. */
export interface ClickHouseJob {
  /** By `planClickHouseHosts`. */
  readonly hosts: readonly (readonly string[])[];
  readonly database: string;
  /** The file that holds the password of the user `default`. */
  readonly passwordFile: string;
}

/**
 * Writes a whole copy of each shard, from its first replica, to a folder named by the time. The server itself writes, by the role of
 * its pods; what is old, the bucket's lifecycle deletes.
 */
export function planBackupScript(job: ClickHouseJob, endpoint: Input<string>): Output<string> {
  const first = job.hosts.map(([host]) => host ?? '');
  const target = interpolate`${endpoint}$at/$host`;
  return interpolate`${preamble(job)}
at="$(date -u +%Y-%m-%dT%H-%M-%SZ)"
for host in ${first.join(' ')}; do
  ask "$host" "BACKUP DATABASE ${job.database} TO S3('${target}')"
done
`;
}

/** Moves what was last written days ago to the cold volume, on every server: a move is not replicated. */
export function planColdScript(job: ClickHouseJob, afterDays: number): Output<string> {
  const every = job.hosts.flat();
  const old = `database = '${job.database}' AND active AND disk_name = 'default' AND modification_time < now() - INTERVAL ${afterDays} DAY`;
  return output(`${preamble(job)}
for host in ${every.join(' ')}; do
  # Not into a pipe at once: there a question that fails would pass for one without an answer.
  parts="$(ask "$host" "SELECT table, name FROM system.parts WHERE ${old}")"
  echo "$parts" | while read -r table part; do
    test -n "$part" || continue
    ask "$host" "ALTER TABLE ${job.database}.\\\`$table\\\` MOVE PART '$part' TO VOLUME '${coldVolume}'" < /dev/null
  done
done
`);
}

/** `ask HOST STATEMENT`; the password reaches the client by its environment, which no process list shows to others. */
function preamble({ passwordFile }: ClickHouseJob): string {
  return `#!/bin/sh
set -eu
CLICKHOUSE_PASSWORD="$(cat ${passwordFile})"
export CLICKHOUSE_PASSWORD HOME=/tmp
ask() { clickhouse-client --host "$1" --port ${clickHousePorts.native} --user default --query "$2"; }`;
}
