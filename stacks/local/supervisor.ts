import { mkdirSync } from 'node:fs';
import type { Digest } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import type { Log } from '@orrery/kit/log';
import { createFolderStore, type ObjectStore } from '@orrery/kit/store';
import { CommandError, messageOf } from '../errors.ts';
import { verifyClosure } from '../release/closure.ts';
import { rebuildRelease } from '../release/create.ts';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease, type RecordedRelease } from '../release/records.ts';
import { Child, type Running } from './child.ts';
import { identify } from './identity.ts';
import { planLaunches, type Launch } from './launch.ts';
import { layoutOf, versionFolder, type Layout } from './layout.ts';
import { rememberProcesses } from './leftovers.ts';
import { LogFile } from './log-file.ts';
import { materialise } from './materialise.ts';
import { portOffsets } from './ports.ts';
import { runRedisServer } from './redis-server.ts';
import { runService } from './service-process.ts';
import { localSettings, type LocalSettings } from './settings.ts';

export interface SupervisorOptions {
  readonly places: Places;
  readonly portBase: number;
  readonly token: string;
  readonly redisBinary: string;
  readonly python: string;
  readonly kafkaBrokers: readonly string[];
  readonly log: Log;
  readonly progress: (line: string) => void;
}

export interface ServiceStatus {
  readonly name: string;
  readonly state: string;
  readonly pid: number | null;
  readonly port: number | null;
  readonly restarts: number;
  readonly startedAt: number;
  readonly version: string | null;
}

/** What a pin means on this machine, and what of it is not so yet. */
export interface Plan {
  readonly recorded: RecordedRelease;
  readonly binding: Binding;
  readonly launches: readonly Launch[];
  /** Services to start or to replace, in the order of dependency. */
  readonly replaced: readonly Launch[];
  /** Services that run and are not in the release. */
  readonly removed: readonly string[];
  /** Servers that take what the binding says of them at the next start alone. */
  readonly postponed: readonly string[];
}

type RedisName = 'redis-state' | 'redis-cache';

function stopped(): CommandError {
  return new CommandError({ code: 'INTERRUPTED', message: 'the start was interrupted', hint: 'start again' });
}

/** Keeps the processes of the local environment. Who calls it holds the environment's lock: one change at a time. */
export class Supervisor {
  readonly layout: Layout;
  private readonly options: SupervisorOptions;
  private readonly store: ObjectStore;
  private readonly children = new Map<string, Child>();
  private readonly logs = new Map<string, LogFile>();
  /** What each service was really started by. */
  private readonly running = new Map<string, Launch>();
  private redis: LocalSettings['redis'] | undefined;
  private standing: Pick<Plan, 'recorded' | 'launches'> | undefined;
  private stopping = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.layout = layoutOf(options.places);
    this.store = createFolderStore(this.layout.store);
    mkdirSync(this.layout.state, { recursive: true });
  }

  get release(): Digest | undefined {
    return this.standing?.recorded.digest;
  }

  /** What a pin asks for, beside what runs. Reads records alone. `mends`: what runs but does not serve is replaced, too. */
  plan(pin: Pick<Pin, 'release' | 'binding'>, options: { mends?: boolean } = {}): Plan {
    const { places, portBase, python, kafkaBrokers } = this.options;
    const recorded = readRelease(places, pin.release);
    const { digest, release } = recorded;
    const binding = readBinding(places, 'local', pin.binding);
    const settings = localSettings(binding);
    const folders = Object.fromEntries(
      Object.entries(release.services).map(([name, service]) => [name, versionFolder(this.layout, service)]),
    );
    const launches = planLaunches({
      layout: this.layout,
      digest,
      release,
      settings,
      portBase,
      folders,
      python,
      kafkaBrokers,
    });
    const serves = (name: string) => options.mends !== true || this.children.get(name)?.state === 'ready';
    return {
      recorded,
      binding,
      launches,
      replaced: launches.filter(({ name, inputs }) => this.running.get(name)?.inputs !== inputs || !serves(name)),
      removed: [...this.running.keys()].filter((name) => !launches.some((launch) => launch.name === name)),
      postponed: this.redis === undefined ? [] : differingRedis(this.redis, settings.redis),
    };
  }

  /** Sees that the store holds all of a release, byte for byte; what it lacks is built again from the commit that made it. */
  async verify({ recorded }: Plan): Promise<void> {
    const { places, progress } = this.options;
    const faults = await verifyClosure(this.store, recorded.release);
    if (faults.length === 0) return;
    progress(`the store lacks ${faults[0]?.what ?? ''}${faults.length > 1 ? ` and ${faults.length - 1} more` : ''}`);
    await rebuildRelease(places, recorded, progress);
  }

  /** Lays out what the processes are started from. */
  async materialise({ recorded }: Plan): Promise<void> {
    for (const service of Object.values(recorded.release.services)) await materialise(this.layout, this.store, service);
  }

  /** Brings the environment up from nothing. */
  async start(plan: Plan): Promise<void> {
    await this.verify(plan);
    await this.materialise(plan);
    await this.startRedis(plan.binding);
    for (const launch of plan.launches.filter((one) => one.stateful)) await this.replace(launch);
    await Promise.all(plan.launches.filter((one) => !one.stateful).map((launch) => this.replace(launch)));
    this.settle(plan);
  }

  /** Starts a service, or replaces what runs of it without a gap. When it does not come up, what ran goes on and this throws. */
  async replace(launch: Launch): Promise<void> {
    if (this.stopping) throw stopped();
    const child = this.children.get(launch.name);
    if (child === undefined) await this.startChild(launch.name, this.launcher(launch));
    else await child.replace(this.launcher(launch), !launch.stateful);
    this.running.set(launch.name, launch);
    this.options.progress(child === undefined ? `${launch.name} is ready` : `${launch.name} was replaced`);
  }

  /** What was planned runs: every process learns the release, also those that stayed. */
  settle({ recorded, launches }: Plan): void {
    this.standing = { recorded, launches };
    for (const launch of launches) this.children.get(launch.name)?.adopt(this.launcher(launch));
    for (const child of this.children.values()) child.tell({ type: 'identity', release: recorded.digest });
  }

  async remove(name: string): Promise<void> {
    await this.children.get(name)?.stop();
    this.children.delete(name);
    this.running.delete(name);
  }

  /** Brings back what stood before a change that did not hold. Returns the services that did not come back. */
  async putBack(): Promise<string[]> {
    const before = this.standing?.launches ?? [];
    const lost: string[] = [];
    for (const name of [...this.running.keys()]) {
      const old = before.find((launch) => launch.name === name);
      if (old === undefined) await this.remove(name);
      else if (old.inputs !== this.running.get(name)?.inputs && !(await this.comesBack(old))) lost.push(name);
    }
    return lost;
  }

  status(): ServiceStatus[] {
    return [...this.children.values()].map((child) => {
      const launch = this.standing?.launches.find((one) => one.name === child.name);
      const version = this.standing?.recorded.release.services[child.name]?.closure ?? null;
      return {
        name: child.name,
        state: child.state,
        pid: child.pid ?? null,
        port: launch?.port ?? this.redisPort(child.name),
        restarts: child.restarts,
        startedAt: child.startedAt,
        version,
      };
    });
  }

  /** Ends everything: services first, so that they can still write their last state, then what they stand on. */
  async stop(): Promise<void> {
    this.stopping = true;
    const stateful = [...this.running.values()].filter((launch) => launch.stateful).map((launch) => launch.name);
    const bottom = ['redis-state', 'redis-cache', ...stateful];
    const top = [...this.children.values()].filter((child) => !bottom.includes(child.name));
    await Promise.all(top.map((child) => child.stop()));
    await Promise.all([...this.children.values()].map((child) => child.stop()));
    rememberProcesses(this.layout, []);
  }

  private async startRedis(binding: Binding): Promise<void> {
    this.redis = localSettings(binding).redis;
    const { stateMemoryMiB, cacheMemoryMiB } = this.redis;
    const server = (kind: 'state' | 'cache', memoryMiB: number) => () =>
      runRedisServer(
        {
          binary: this.options.redisBinary,
          name: `redis-${kind}`,
          port: this.options.portBase + portOffsets[`redis-${kind}`],
          password: this.options.token,
          folder: this.layout.data(`redis-${kind}`),
          memoryMiB,
          log: this.logOf(`redis-${kind}`),
        },
        kind,
      );
    await Promise.all([
      this.startChild('redis-state', server('state', stateMemoryMiB)),
      this.startChild('redis-cache', server('cache', cacheMemoryMiB)),
    ]);
    this.options.progress('redis-state and redis-cache are ready');
  }

  private async startChild(name: string, launch: () => Running): Promise<void> {
    if (this.stopping) throw stopped();
    const child = new Child({ name, log: this.options.log, launch, onChange: () => this.remember() });
    this.children.set(name, child);
    try {
      await child.start();
    } catch (error) {
      await child.stop();
      this.children.delete(name);
      throw error;
    }
  }

  private async comesBack(old: Launch): Promise<boolean> {
    try {
      await this.replace(old);
      return true;
    } catch (error) {
      this.options.log.error({ service: old.name, reason: messageOf(error) }, 'what ran before did not come back');
      return false;
    }
  }

  private launcher(launch: Launch): () => Running {
    return () => runService(launch, this.layout.configs, this.logOf(launch.name));
  }

  private logOf(name: string): LogFile {
    const known = this.logs.get(name) ?? new LogFile(this.layout.logs, name);
    this.logs.set(name, known);
    return known;
  }

  private remember(): void {
    const running = [...this.children.values()].flatMap((child) =>
      child.pid === undefined ? [] : [identify(child.name, child.pid)],
    );
    rememberProcesses(this.layout, running);
  }

  private redisPort(name: string): number | null {
    return name === 'redis-state' || name === 'redis-cache' ? this.options.portBase + portOffsets[name] : null;
  }
}

function differingRedis(runs: LocalSettings['redis'], asked: LocalSettings['redis']): RedisName[] {
  return [
    ...(runs.stateMemoryMiB === asked.stateMemoryMiB ? [] : (['redis-state'] as const)),
    ...(runs.cacheMemoryMiB === asked.cacheMemoryMiB ? [] : (['redis-cache'] as const)),
  ];
}
