// The local environment's own process: `node stacks/local/agent.ts --root DIR --state DIR --ports BASE [--tied] [--wait MS]`. It supervises the
// services, answers the deployer's API, and tells its parent by messages how the start goes. Tied, it ends when its parent does.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { OrreryError } from '@orrery/kit/errors';
import { digestOfBytes, shortDigest } from '@orrery/contracts/digest';
import type { Pin } from '@orrery/contracts/pin';
import type { Release } from '@orrery/contracts/release';
import { createLog } from '@orrery/kit/log';
import { CommandError, messageOf } from '../errors.ts';
import { pinMissing, readPin } from '../promotion/pin.ts';
import { renderTarget } from '../promotion/target.ts';
import { ensureToolchain } from '../setup/toolchain.ts';
import { alreadyRuns, findAgent } from './agent-client.ts';
import { createControl } from './control.ts';
import { Deployer } from './deployer.ts';
import { holdLocal } from './hold.ts';
import { identify } from './identity.ts';
import { planPorts } from './launch.ts';
import { describeLauncher } from './launcher.ts';
import { layoutOf } from './layout.ts';
import { endLeftovers } from './leftovers.ts';
import { LogFile } from './log-file.ts';
import { assertPortsFree, host, portOffsets } from './ports.ts';
import { Supervisor } from './supervisor.ts';
import { releasesOfLastMoves, sweep } from './sweep.ts';
import { ensureToken } from './token.ts';

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: process.cwd() },
    state: { type: 'string', default: '.orrery' },
    ports: { type: 'string', default: '7400' },
    tied: { type: 'boolean', default: false },
    wait: { type: 'string', default: '0' },
  },
});
const places = { root: values.root, state: values.state };
const portBase = Number(values.ports);
const layout = layoutOf(places);
const logFile = new LogFile(layout.logs, 'deployer');
const log = createLog({
  service: 'deployer',
  level: 'info',
  release: 'working-tree',
  destination: { write: (line) => logFile.write(Buffer.from(line)) },
});
const life = { ready: false, stopping: false, end: () => Promise.resolve() };
// Whoever started this hears how the start goes, and may end before it is over.
const hasParent = process.connected;
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
    exitCode: error instanceof CommandError ? error.exitCode : 1,
  });
  process.exit(1);
}

async function run(): Promise<void> {
  stopWhenTold();
  const token = ensureToken(layout.token);
  const { redis, python } = await ensureToolchain({ root: places.root, progress });
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
  const turn = { places, holder: 'the deployer of local: start', actor: 'deployer', now: () => new Date(), progress };
  // Nobody moves the pin between its being read and all that it names being up.
  await holdLocal({ ...turn, waitMs: Number(values.wait) }, () =>
    bringUp(supervisor, { token, pythonLock: python.lockDigest }),
  );
  tell({ type: 'ready', portBase, release: supervisor.release });
  log.info('the environment is up');
}

async function bringUp(supervisor: Supervisor, given: { token: string; pythonLock: string }): Promise<void> {
  const { token } = given;
  if (findAgent(places) !== undefined) throw alreadyRuns();
  const plan = supervisor.plan(requirePin());
  for (const note of differences(plan.recorded.release, given.pythonLock)) progress(note);
  await tellRenderDiffers();
  const ended = await endLeftovers(layout);
  if (ended.length > 0) progress(`ended what an earlier supervisor had left: ${ended.join(', ')}`);
  const swept = sweep(layout, releasesOfLastMoves(places), Date.now());
  if (swept.length > 0) progress(`removed what no recent pin names: ${swept.join(', ')}`);
  const ports = planPorts(plan.recorded.release, portBase);
  await assertPortsFree(ports);
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
    ready: () => life.ready,
    stop: () => void stop('asked to'),
  });
  life.end = async () => {
    const closed = deployer.close();
    await control.close();
    await supervisor.stop();
    await closed;
    rmSync(layout.agent, { force: true });
  };
  await control.listen({ host, port: portBase + portOffsets.agent });
  announce();
  try {
    await supervisor.start(plan);
  } catch (error) {
    await supervisor.stop();
    rmSync(layout.agent, { force: true });
    throw error;
  }
  await deployer.tellRegistry(plan.recorded.digest);
  life.ready = true;
}

/** From here on commands find this deployer. */
function announce(): void {
  mkdirSync(dirname(layout.agent), { recursive: true });
  const temporary = `${layout.agent}.tmp`;
  writeFileSync(temporary, JSON.stringify({ ...identify('deployer', process.pid), portBase }), { flush: true });
  renameSync(temporary, layout.agent);
}

function requirePin(): Pin {
  const pin = readPin(places, 'local');
  if (pin !== undefined) return pin;
  throw pinMissing('local', 'npm start makes the first one');
}

/** What starts is what the pin says but for the launcher. */
async function tellRenderDiffers(): Promise<void> {
  const pin = requirePin();
  const { release, binding } = pin;
  const found = await renderTarget(places, { environment: 'local', release, binding, progress });
  const note = await describeLauncher(places, pin, found);
  if (note !== undefined) progress(`note: ${note}. To pin it so: npx orrery pin local ${shortDigest(release)}`);
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

async function stop(reason: string): Promise<void> {
  if (life.stopping) return;
  life.stopping = true;
  log.info({ reason }, 'stopping');
  await life.end();
  process.exit(0);
}

/** A start that nobody waits for any more is ended; once it serves, only what is tied to its starter ends with it. */
function stopWhenTold(): void {
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  process.on('message', (message) => {
    if ((message as { type?: string }).type === 'stop') void stop('asked to');
  });
  const orphaned = () => {
    if (values.tied || !life.ready) void stop('the command that started this ended');
  };
  process.on('disconnect', orphaned);
  if (hasParent && !process.connected) orphaned();
}
