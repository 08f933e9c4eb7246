// The local environment's own process: `node stacks/local/agent.ts --root DIR --state DIR --ports BASE [--tied]`. It supervises the
// services, answers the deployer's API, and tells its parent by messages how the start goes. Tied, it ends when its parent does.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { OrreryError } from '@orrery/kit/errors';
import { digestOfBytes } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { createLog } from '@orrery/kit/log';
import { CommandError, messageOf } from '../errors.ts';
import { readPin } from '../promotion/pin.ts';
import { readRelease } from '../release/records.ts';
import { ensureToolchain } from '../setup/toolchain.ts';
import { createControl } from './control.ts';
import { Deployer } from './deployer.ts';
import { identify } from './identity.ts';
import { layoutOf } from './layout.ts';
import { endLeftovers } from './leftovers.ts';
import { removeUnfinished } from './materialise.ts';
import { assertPortsFree, host, portOffsets } from './ports.ts';
import { Supervisor } from './supervisor.ts';
import { ensureToken } from './token.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: process.cwd() },
    state: { type: 'string', default: '.orrery' },
    ports: { type: 'string', default: '7400' },
    tied: { type: 'boolean', default: false },
  },
});
const places = { root: values.root, state: values.state };
const portBase = Number(values.ports);
const layout = layoutOf(places);
const log = createLog({ service: 'deployer', level: 'info', release: 'working-tree' });
const tell = (message: object) => {
  if (process.connected) process.send?.(message);
};
const progress = (line: string) => {
  log.info(line);
  tell({ type: 'progress', line });
};

// Services inherit nothing of who started the platform: what they may know is in their configuration.
const inherited = ['PATH', 'HOME', 'LANG', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'];
const kafkaBrokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter((broker) => broker !== '');
process.env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => inherited.includes(name))),
  TZ: 'UTC',
};

try {
  await run();
} catch (error) {
  const known = error instanceof CommandError || error instanceof OrreryError ? error : undefined;
  log.fatal({ err: error }, 'the environment did not start');
  tell({
    type: 'failed',
    code: known?.code ?? 'AGENT_FAILED',
    message: messageOf(error),
    hint: known?.hint ?? layout.logs,
  });
  process.exit(1);
}

async function run(): Promise<void> {
  const pin = readPin(places, 'local');
  if (pin === undefined)
    throw new CommandError({ code: 'PIN_MISSING', message: 'local has no pin', hint: 'npm start' });
  const token = ensureToken(layout.token);
  const { redis, python } = await ensureToolchain({ root: places.root, progress });
  for (const note of differences(readRelease(places, pin.release).release, python.lockDigest)) progress(note);
  const ended = await endLeftovers(layout);
  if (ended.length > 0) progress(`ended what an earlier supervisor had left: ${ended.join(', ')}`);
  removeUnfinished(layout);
  const supervisor = new Supervisor({
    places,
    portBase,
    token,
    redisBinary: redis.binary,
    python: python.python,
    kafkaBrokers,
    log,
    progress,
  });
  const ports = supervisor.ports(pin);
  await assertPortsFree(ports);
  let ready = false;
  let stopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    await control.close();
    await supervisor.stop();
    rmSync(layout.agent, { force: true });
    process.exit(0);
  };
  const registryPort = ports['registry'];
  const deployer = new Deployer({
    places,
    supervisor,
    token,
    registryUrl: () => (registryPort === undefined ? undefined : `http://${host}:${registryPort}`),
    log,
    now: () => new Date(),
  });
  const control = await createControl({
    places,
    supervisor,
    deployer,
    token,
    log,
    ready: () => ready,
    stop: () => void stop('asked to'),
  });
  stopWhenTold(stop);
  await control.listen({ host, port: portBase + portOffsets.agent });
  mkdirSync(dirname(layout.agent), { recursive: true });
  const temporary = `${layout.agent}.tmp`;
  writeFileSync(temporary, JSON.stringify({ ...identify('deployer', process.pid), portBase }), { flush: true });
  renameSync(temporary, layout.agent);
  try {
    await supervisor.start(pin);
  } catch (error) {
    await supervisor.stop();
    rmSync(layout.agent, { force: true });
    throw error;
  }
  await deployer.tellRegistry(pin.release);
  ready = true;
  tell({ type: 'ready', portBase, release: pin.release });
  log.info('the environment is up');
}

/** What of the release's toolchain is another one here: told, since bundles and definitions alone don't make a run repeatable. */
function differences({ toolchain }: Release, pythonLock: string): string[] {
  const here = digestOfBytes(readFileSync(join(places.root, 'package-lock.json')));
  return [
    ...(toolchain.pythonLock === pythonLock
      ? []
      : ['note: this release was made with another Python lock than is installed']),
    ...(toolchain.lockfile === here
      ? []
      : ['note: this release was made with another package-lock.json than is installed']),
  ];
}

function stopWhenTold(stop: (reason: string) => Promise<void>): void {
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('message', (message) => {
    if ((message as { type?: string }).type === 'stop') void stop('asked to');
  });
  if (!values.tied) return;
  process.on('disconnect', () => void stop('the command that started this ended'));
  if (!process.connected) void stop('the command that started this had ended');
}
