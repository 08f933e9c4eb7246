import type { Peer } from '@orrery/kit/peer';
import { readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import { readRelease } from '../release/records.ts';
import { CommandError } from '../errors.ts';
import { requireAgent, type RunningAgent } from './agent-client.ts';

/** A service of the running local environment. */
export function requireService(places: Places, name: string): Peer {
  return serviceOf(places, requireAgent(places), name);
}

export function serviceOf(places: Places, agent: RunningAgent, name: string): Peer {
  const pin = readPin(places, 'local');
  const service = pin === undefined ? undefined : readRelease(places, pin.release).release.services[name];
  const offset = service?.manifest.ports.http?.default;
  if (offset !== undefined) return agent.peer(name, offset);
  const hint = 'npx orrery release show <release> lists the services of a release';
  throw new CommandError({
    code: 'SERVICE_UNKNOWN',
    message: `this release has no service ${name}`,
    hint,
    exitCode: 2,
  });
}
