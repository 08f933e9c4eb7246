import { telemetryDatabase } from './telemetry.ts';

/** One user of ClickHouse beside those of the services: what it may do, and how much of the server it may take. */
export interface DatabaseAccount {
  /** Name of the user. */
  readonly username: 'orrery_telemetry' | 'orrery_bi';
  /** Statements that ClickHouse takes under `<grants><query>` of a user's configuration. */
  readonly grants: readonly string[];
  /** Settings of the user's profile. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface DatabaseAccounts {
  /** Collectors: they make the tables of logs and traces, and add rows. */
  readonly telemetry: DatabaseAccount;
  /** People's questions through Metabase: they read everything and change nothing. */
  readonly bi: DatabaseAccount;
}

const gib = 1024 ** 3;

/**
 * Users of the configuration, not of SQL: whoever makes ClickHouse writes them beside `default`, so that a new server has them from its
 * first start and a changed right is a changed configuration. `readonly` is 2: Metabase's driver sets time limits for its own queries.
 */
export function planDatabaseAccounts(database: string): DatabaseAccounts {
  return {
    telemetry: {
      username: 'orrery_telemetry',
      grants: [
        `GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, SHOW, INSERT, SELECT ON ${telemetryDatabase}.*`,
        'GRANT CLUSTER ON *.*',
      ],
      settings: { max_memory_usage: String(gib), max_execution_time: '60' },
    },
    bi: {
      username: 'orrery_bi',
      grants: [`GRANT SHOW, SELECT ON ${database}.*`, `GRANT SHOW, SELECT ON ${telemetryDatabase}.*`],
      settings: {
        readonly: '2',
        max_execution_time: '60',
        max_memory_usage: String(2 * gib),
        max_rows_to_read: '5000000000',
        max_result_rows: '1000000',
        max_concurrent_queries_for_user: '8',
        priority: '10',
      },
    },
  };
}
