import { OrreryError } from '@orrery/kit/errors';
import type { Peer, PeerCall } from '@orrery/kit/peer';
import { CommandError, type ExitCode } from '../errors.ts';

/** An exit code as an HTTP status, so that it survives the deployer's API: failed, usage, unsafe. */
const statuses: Readonly<Record<ExitCode, number>> = { 1: 409, 2: 400, 3: 412 };

/** Somebody else changes the environment: the one refusal that passes by itself, so callers that retry do. */
export const lockedStatus = 503;

export function statusOf(exitCode: ExitCode): number {
  return statuses[exitCode];
}

/** Calls the deployer for a command: what it refuses is thrown as if it had been done here, exit code and all. */
export async function callDeployer(deployer: Peer, call: PeerCall): Promise<unknown> {
  try {
    return (await deployer.call(call)).body;
  } catch (cause) {
    if (!(cause instanceof OrreryError) || cause.code === 'PEER_UNREACHABLE') throw cause;
    const { code, hint } = cause;
    throw new CommandError({
      code,
      message: cause.message.replace(/^.* answered \d{3}: /, ''),
      hint,
      exitCode: exitCodeOf(cause),
      cause,
    });
  }
}

function exitCodeOf({ code, status }: OrreryError): ExitCode {
  if (code === 'ENVIRONMENT_LOCKED' || status === statuses[3]) return 3;
  return status === statuses[2] ? 2 : 1;
}
