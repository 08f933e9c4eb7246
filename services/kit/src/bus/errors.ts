import { messageOf, OrreryError } from '../errors.ts';

export function fenced(subject: string, cause?: unknown): OrreryError {
  return new OrreryError({
    code: 'BUS_FENCED',
    message: `another consumer has taken ${subject}`,
    hint: 'nothing to do: the owner of the partition handles the range under the same token',
    status: 409,
    cause,
  });
}

export function isFenced(error: unknown): boolean {
  return error instanceof OrreryError && error.code === 'BUS_FENCED';
}

/** Whether the bus gave no answer: the step may or may not have been taken, and may be repeated. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof OrreryError && error.code === 'BUS_UNAVAILABLE';
}

export function full(message: string): OrreryError {
  return new OrreryError({
    code: 'BUS_FULL',
    message,
    hint: 'try again when the slowest group has read on; remove a group that will never read again',
    retry: 'retryable',
    status: 503,
  });
}

export function unavailable(doing: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'BUS_UNAVAILABLE',
    message: `the bus did not answer while ${doing}: ${messageOf(cause)}`,
    hint: 'try again; check that the broker runs and can be reached',
    retry: 'retryable',
    cause,
  });
}

export function refused(doing: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'BUS_REFUSED',
    message: `the bus refused ${doing}: ${messageOf(cause)}`,
    hint: 'check the credentials and the rights of this client, and the version of the broker',
    status: 500,
    cause,
  });
}

export function topicMissing(topic: string): OrreryError {
  return new OrreryError({
    code: 'BUS_TOPIC_MISSING',
    message: `there is no topic ${topic}`,
    hint: 'call ensureTopic with its partitions before publishing or consuming',
    status: 404,
  });
}

export function topicDiffers(topic: string, found: number, wanted: number): OrreryError {
  return new OrreryError({
    code: 'BUS_TOPIC_DIFFERS',
    message: `topic ${topic} has ${found} partitions, ${wanted} were asked for`,
    hint: 'the partition of a key depends on the count: keep it, or make another topic and move its readers',
    status: 409,
  });
}

export function boundExceeded(what: string, found: number | string, bound: number | string): OrreryError {
  return new OrreryError({
    code: 'BUS_BOUND_EXCEEDED',
    message: `${what} is ${found}, the bound is ${bound}`,
    hint: 'send less at once, or keep the large part in the store and send its digest',
    status: 413,
  });
}

export function invalid(what: string, found: string, rule: string): OrreryError {
  return new OrreryError({
    code: 'BUS_INVALID',
    message: `${what} ${JSON.stringify(found)} is not usable`,
    hint: rule,
  });
}

export function rangeChanged(token: string, reason: string): OrreryError {
  return new OrreryError({
    code: 'BUS_RANGE_CHANGED',
    message: `the intended range ${token} cannot be read again as it was: ${reason}`,
    hint: 'events were removed from the log; check what the token has written, then commit the position by hand',
    status: 500,
  });
}

export function intentConflict(token: string, reason: string): OrreryError {
  return new OrreryError({
    code: 'BUS_INTENT_CONFLICT',
    message: `${token} does not fit what the group has recorded: ${reason}`,
    hint: 'intend ranges one after another, from the committed position on, and commit each before the next',
    status: 409,
  });
}

export function eventsExpired(subject: string, position: number, first: number): OrreryError {
  return new OrreryError({
    code: 'BUS_EVENTS_EXPIRED',
    message: `${subject} goes on at ${position}, but the log begins at ${first}: retention removed unread events`,
    hint: 'replay what is missing from its source, then move the group to the beginning of the log by hand',
    status: 500,
  });
}

export function handlerFailed(token: string, attempts: number, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'BUS_HANDLER_FAILED',
    message: `the handler failed on ${token} after ${attempts} attempts: ${messageOf(cause)}`,
    hint: 'the range is not skipped and comes again at the next start: mend its cause, or reject its rows in the handler',
    status: 500,
    cause,
  });
}

export function outage(doing: string, outageMaxMs: number, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'BUS_OUTAGE',
    message: `the bus was away for more than ${outageMaxMs} ms while ${doing}: ${messageOf(cause)}`,
    hint: 'bring the broker back and start the service again; nothing is lost',
    status: 500,
    cause,
  });
}
