import { createServer } from 'node:net';
import { CommandError } from '../errors.ts';

/** Ports that belong to no service's manifest, as offsets from the base. */
export const portOffsets = { agent: 0, 'redis-state': 1, 'redis-cache': 2 } as const;

export const host = '127.0.0.1';

/** Throws `PORT_IN_USE` naming every port that something else holds. Nothing is left open. */
export async function assertPortsFree(ports: Readonly<Record<string, number>>): Promise<void> {
  const taken: string[] = [];
  for (const [purpose, port] of Object.entries(ports)) {
    if (!(await isFree(port))) taken.push(`${port} (${purpose})`);
  }
  if (taken.length === 0) return;
  throw new CommandError({
    code: 'PORT_IN_USE',
    message: `in use by another program on ${host}: ${taken.join(', ')}`,
    hint: 'end that program, or choose other ports for this machine: ORRERY_PORT_BASE=17400 npm start',
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The first port that this machine chose instead of the binding's; undefined when it chose none. */
export function defaultPortBase(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const base = Number(text);
  if (Number.isInteger(base) && base >= 1024 && base <= 65_000) return base;
  const hint = 'give the first of 32 free ports, for example ORRERY_PORT_BASE=17400';
  throw new CommandError({ code: 'PORT_INVALID', message: `ORRERY_PORT_BASE is "${text}"`, hint, exitCode: 2 });
}
