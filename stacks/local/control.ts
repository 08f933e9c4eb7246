import { Registry } from 'prom-client';
import Type from 'typebox';
import { DigestField } from '@orrery/contracts/release';
import { OrreryError } from '@orrery/kit/errors';
import { createApp, type App } from '@orrery/kit/http';
import type { Log } from '@orrery/kit/log';
import { CommandError } from '../errors.ts';
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
  const Deployment = Type.Object(
    {
      kind: Type.Union([Type.Literal('pin'), Type.Literal('rollback')]),
      release: DigestField,
      binding: DigestField,
      reason: Text,
    },
    { additionalProperties: false },
  );
  app.post('/v1/deployments', { schema: { body: Deployment } }, async (request) => {
    const body = request.body as {
      kind: 'pin' | 'rollback';
      release: `sha256:${string}`;
      binding: `sha256:${string}`;
      reason: string;
    };
    return teach(() => deployer.deploy({ ...body, actor: request.actor }));
  });
  const GoLive = Type.Object({ model: Text, pair: DigestField, reason: Text }, { additionalProperties: false });
  app.post('/v1/live', { schema: { body: GoLive } }, async (request) => {
    const { model, pair, reason } = request.body as { model: string; pair: string; reason: string };
    return teach(() => deployer.goLive(model, pair, request.actor, reason));
  });
  return app;
}

/** What a command can't do is answered as every API answers: code, message, hint. */
async function teach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new OrreryError({ code: error.code, message: error.message, hint: error.hint, status: 409, cause: error });
  }
}
