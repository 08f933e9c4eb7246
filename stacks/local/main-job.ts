import type { Digest } from '@orrery/contracts/digest';
import type { Peer } from '@orrery/kit/peer';

/** The workflow by which `npm start` shows the whole platform, and the rows that are scored live at its end. */
export const mainWorkflow = 'arrival-delay';

const sampleRows = [
  { origin: 'ORD', destination: 'LGA', day: '2001-06-29', scheduled_hour: 18, distance_miles: 733 },
  { origin: 'ATL', destination: 'SAV', day: '2001-06-29', scheduled_hour: 7, distance_miles: 215 },
  { origin: 'LAX', destination: 'JFK', day: '2001-06-30', scheduled_hour: 22, distance_miles: 2475 },
] as const;

export interface Sample {
  readonly row: Readonly<Record<string, unknown>>;
  readonly prediction: number;
}

export interface Scored {
  readonly release: Digest;
  readonly pair: Digest;
  readonly unit: string;
  readonly samples: readonly Sample[];
}

/** Scores the sample rows over HTTP: never from a cache, since this is what proves that the platform serves. */
export async function scoreSamples(scoring: Peer, actor: string): Promise<Scored> {
  const path = `/v1/models/${mainWorkflow}/predictions`;
  const answer = await scoring.call({ method: 'POST', path, body: { rows: sampleRows }, actor });
  const body = answer.body as { release: Digest; pair: Digest; unit: string; predictions: number[] };
  const samples = sampleRows.map((row, index) => ({ row, prediction: body.predictions[index] ?? Number.NaN }));
  return { release: body.release, pair: body.pair, unit: body.unit, samples };
}
