import { Registry } from 'prom-client';
import Type, { type Static } from 'typebox';
import { Pin } from '@orrery/contracts/pin';
import { DigestField } from '@orrery/contracts/release';
import { OrreryError } from '@orrery/kit/errors';
import { createApp, type App } from '@orrery/kit/http';
import type { Log } from '@orrery/kit/log';
import { CommandError } from '../errors.ts';
import { lockedStatus, statusOf } from './deployer-peer.ts';
import { movesOf, readLedger } from '../promotion/ledger.ts';
import { readPin } from '../promotion/pin.ts';
import type { Places } from '../release/places.ts';
import type { Deployer } from './deployer.ts';
import type { Supervisor } from './supervisor.ts';

export interface ControlOptions {
  readonly places: Places;
  readonly supervisor: Supervisor;
  readonly deployer: Deployer;
  readonly token: string;
  readonly log: Log;
  readonly ready: () => boolean;
  readonly stop: () => void;
}

const Text = Type.String({ minLength: 1, maxLength: 500 });
const Deployment = Type.Union([
  Type.Object(
    { kind: Type.Union([Type.Literal('pin'), Type.Literal('rollback')]), pin: Pin, reason: Text },
    { additionalProperties: false },
  ),
  Type.Object({ kind: Type.Literal('deploy'), reason: Text }, { additionalProperties: false }),
]);

/** The deployer's API, by which the `orrery` command and the platform itself change what `local` stands on. */
export async function createControl(options: ControlOptions): Promise<App> {
  const { supervisor, deployer, places } = options;
  const app = await createApp({
    identity: {
      service: 'deployer',
      environment: 'local',
      version: { own: 'working-tree', closure: 'working-tree' },
      get release() {
        return supervisor.release ?? 'none';
      },
    },
    description: 'Changes what the local environment stands on, and tells how it is.',
    token: options.token,
    log: options.log,
    metrics: new Registry(),
    missing: async () => (options.ready() ? [] : ['the environment is starting']),
    bodyBytesMax: 64 * 1024,
  });
  app.get('/v1/status', () => ({
    environment: 'local',
    pin: readPin(places, 'local') ?? null,
    release: supervisor.release ?? null,
    number: movesOf(readLedger(places, 'local')).at(-1)?.ordinal ?? null,
    processes: supervisor.status(),
  }));
  app.post('/v1/stop', async (_request, reply) => {
    await reply.code(202).send({ stopping: true });
    options.stop();
  });
  app.post('/v1/deployments', { schema: { body: Deployment } }, async (request) => {
    const body = request.body as Static<typeof Deployment>;
    return teach(() => deployer.deploy({ ...body, actor: request.actor }));
  });
  const GoLive = Type.Object({ model: Text, pair: DigestField, reason: Text }, { additionalProperties: false });
  app.post('/v1/live', { schema: { body: GoLive } }, async (request) => {
    const { model, pair, reason } = request.body as { model: string; pair: string; reason: string };
    return teach(() => deployer.goLive(model, pair, request.actor, reason));
  });
  return app;
}

/**
 * What a command can't do is answered as every API answers: code, message, hint. The status tells the exit code that a command has
 * for it; what another's change stands in the way of can be tried again.
 */
async function teach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    const { code, message, hint, exitCode } = cause;
    throw new OrreryError({
      code,
      message,
      hint,
      status: code === 'ENVIRONMENT_LOCKED' ? lockedStatus : statusOf(exitCode),
      cause,
    });
  }
}
