import { entryBytesMax } from '@orrery/contracts/run-event';
import { messageOf, OrreryError } from '@orrery/kit/errors';

export function entryTooLarge(shard: string, n: number, bytes: number): OrreryError {
  return new OrreryError({
    code: 'LOG_ENTRY_TOO_LARGE',
    message: `the events of entry ${n} of ${shard} alone have ${bytes} bytes, the bound is ${entryBytesMax}`,
    hint: 'the outbox waits at this entry: a release that makes fewer events in a call is needed',
    status: 500,
  });
}

export function entryUnreadable(shard: string, id: string, cause: unknown): OrreryError {
  return new OrreryError({
    code: 'LOG_ENTRY_INVALID',
    message: `the entry ${id} in the outbox of ${shard} is none: ${messageOf(cause)}`,
    hint: 'the outbox waits at it: look at what else writes to this Redis',
    status: 500,
    cause,
  });
}
