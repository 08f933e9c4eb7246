import { closest } from 'fastest-levenshtein';
import { OrreryError } from '@orrery/kit/errors';

export function modelNotLive(model: string, live: readonly string[]): OrreryError {
  const hint = live.length === 0 ? 'no pair is live: npm start trains one' : `did you mean "${closest(model, live)}"?`;
  return new OrreryError({ code: 'MODEL_NOT_LIVE', message: `no pair of "${model}" is live`, hint, status: 404 });
}

export interface ParityFault {
  readonly row: number;
  readonly expected: number;
  readonly got: number;
  readonly tolerance: number;
}

export function parityBroken(pair: string, { row, expected, got, tolerance }: ParityFault): OrreryError {
  return new OrreryError({
    code: 'PARITY_BROKEN',
    message: `${pair} answers ${got} to row ${row} of its certificate, the trained model answered ${expected} (tolerance ${tolerance})`,
    hint: 'the export was changed or this runtime computes differently: the pair is not served; train again or roll back',
    status: 500,
  });
}

export function pairBroken(pair: string, what: string): OrreryError {
  const hint = 'the pair is not served: train again, or roll back to a release with another pair';
  return new OrreryError({ code: 'PAIR_BROKEN', message: `${pair}: ${what}`, hint, status: 500 });
}

export function featureInvalid(name: string, type: string, value: unknown): OrreryError {
  const message = `the feature ${name} is a ${type}, ${JSON.stringify(value)} is none`;
  return new OrreryError({
    code: 'FEATURE_INVALID',
    message,
    hint: 'the feature set and the model disagree on this column',
    status: 500,
  });
}
