import Type, { type Static } from 'typebox';

const count = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Integer({ minimum, maximum, default: fallback, description });

export const settings = Type.Object({
  threadsMax: count(1, 64, 2, 'threads of one query'),
  queryTimeoutSeconds: count(1, 3600, 110, 'longest run of one query'),
  daysPerQuery: count(1, 90, 10, 'days that one query computes: more is faster and takes more memory'),
  daysPerRequestMax: count(1, 4000, 400, 'days of one materialisation or dataset'),
  jobsMax: count(1, 64, 8, 'jobs at a time; they compute one after the other'),
  vectorRowsMax: count(1, 1000, 1000, 'rows of one request for vectors'),
  vectorDaysMax: count(1, 366, 31, 'different days among the rows of one request for vectors'),
  historyCheckMs: count(0, 60_000, 1000, 'how long a vector may rest on an older past than the ingested one'),
});
export type Settings = Static<typeof settings>;
