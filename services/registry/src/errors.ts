import { closest } from 'fastest-levenshtein';
import { OrreryError } from '@orrery/kit/errors';

export function modelUnknown(name: string, known: readonly string[]): OrreryError {
  const nearest = known.length === 0 ? 'there is no model definition' : `did you mean "${closest(name, known)}"?`;
  return new OrreryError({ code: 'MODEL_UNKNOWN', message: `there is no model "${name}"`, hint: nearest, status: 404 });
}

export function pairUnknown(pair: string): OrreryError {
  const hint = 'GET /v1/pairs lists what is registered';
  return new OrreryError({ code: 'PAIR_UNKNOWN', message: `there is no pair ${pair}`, hint, status: 404 });
}

export function transitionRefused(pair: string, from: string, to: string, reasons: readonly string[]): OrreryError {
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  return new OrreryError({
    code: 'TRANSITION_REFUSED',
    message: `${pair} is ${from}${why}: it can't become ${to}`,
    hint: 'registered -> staged -> live (by a release) -> archived; GET /v1/pairs/{pair}/events tells how it came here',
    status: 409,
  });
}

export function evidenceInvalid(what: string, hint: string): OrreryError {
  return new OrreryError({ code: 'EVIDENCE_INVALID', message: what, hint, status: 422 });
}
