import { mkdirSync } from 'node:fs';
import type { Digest } from '@orrery/contracts/digest';
import type { Binding, Pin } from '@orrery/contracts/pin';
import type { Log } from '@orrery/kit/log';
import { createFolderStore } from '@orrery/kit/store';
import { CommandError, messageOf } from '../errors.ts';
import { verifyClosure } from '../release/closure.ts';
import { rebuildRelease } from '../release/create.ts';
import type { Places } from '../release/places.ts';
import { readBinding, readRelease, type RecordedRelease } from '../release/records.ts';
import { Child, type Running } from './child.ts';
import { identify } from './identity.ts';
import { planLaunches, planPorts, type Launch } from './launch.ts';
import { layoutOf, type Layout } from './layout.ts';
import { rememberProcesses } from './leftovers.ts';
import { LogFile } from './log-file.ts';
import { materialise } from './materialise.ts';
import { portOffsets } from './ports.ts';
import { runRedisServer } from './redis-server.ts';
import { runService } from './service-process.ts';
import { localSettings } from './settings.ts';

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

interface Prepared {
  readonly recorded: RecordedRelease;
  readonly binding: Binding;
  readonly launches: readonly Launch[];
}

function stopped(): CommandError {
  return new CommandError({ code: 'INTERRUPTED', message: 'the start was interrupted', hint: 'start again' });
}

/** Keeps the processes of the local environment on what its pin says. One change at a time. */
export class Supervisor {
  readonly layout: Layout;
  private readonly options: SupervisorOptions;
  private readonly children = new Map<string, Child>();
  private readonly logs = new Map<string, LogFile>();
  private standing: Prepared | undefined;
  private change: Promise<unknown> = Promise.resolve();
  private stopping = false;

  constructor(options: SupervisorOptions) {
    this.options = options;
    this.layout = layoutOf(options.places);
    mkdirSync(this.layout.state, { recursive: true });
  }

  get release(): Digest | undefined {
    return this.standing?.recorded.digest;
  }

  /** Every port that will be held for a pin. */
  ports(pin: Pin): Record<string, number> {
    return planPorts(readRelease(this.options.places, pin.release).release, this.options.portBase);
  }

  /** Brings the environment up from nothing. */
  async start(pin: Pin): Promise<void> {
    await this.exclusively(async () => {
      const prepared = await this.prepare(pin);
      await this.startRedis(prepared.binding);
      for (const launch of prepared.launches.filter((one) => one.stateful)) await this.startService(launch);
      await Promise.all(prepared.launches.filter((one) => !one.stateful).map((launch) => this.startService(launch)));
      this.standing = prepared;
    });
  }

  /**
   * Moves what runs to another release and binding: each service whose inputs differ is replaced, in the order of dependency; the
   * others only learn the release. When one does not come up, those replaced are put back and this throws. `settle` is called
   * once all run, before anybody else may change anything.
   */
  async apply(pin: Pin, settle: () => void): Promise<{ replaced: string[] }> {
    return this.exclusively(async () => {
      const next = await this.prepare(pin);
      const before = this.standing?.launches ?? [];
      const changed = next.launches.filter(
        (launch) => before.find((one) => one.name === launch.name)?.inputs !== launch.inputs,
      );
      await this.replaceAll(changed, before, settle);
      this.standing = next;
      for (const launch of next.launches) this.children.get(launch.name)?.adopt(this.launcher(launch));
      for (const child of this.children.values()) child.tell({ type: 'identity', release: next.recorded.digest });
      for (const gone of before.filter((one) => !next.launches.some((launch) => launch.name === one.name))) {
        await this.remove(gone.name);
      }
      return { replaced: changed.map((launch) => launch.name) };
    });
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
    const bottom = ['redis-state', 'redis-cache', ...this.statefulNames()];
    const top = [...this.children.values()].filter((child) => !bottom.includes(child.name));
    await Promise.all(top.map((child) => child.stop()));
    await Promise.all([...this.children.values()].map((child) => child.stop()));
    rememberProcesses(this.layout, []);
  }

  private async exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.change.then(work, work);
    this.change = result.catch(() => undefined);
    return result;
  }

  private async prepare(pin: Pin): Promise<Prepared> {
    const { places, progress } = this.options;
    const recorded = readRelease(places, pin.release);
    const binding = readBinding(places, 'local', pin.binding);
    const store = createFolderStore(this.layout.store);
    const faults = await verifyClosure(store, recorded.release);
    if (faults.length > 0) {
      progress(`the store lacks ${faults[0]?.what ?? ''}${faults.length > 1 ? ` and ${faults.length - 1} more` : ''}`);
      await rebuildRelease(places, recorded, progress);
    }
    const folders: Record<string, string> = {};
    for (const [name, service] of Object.entries(recorded.release.services)) {
      folders[name] = await materialise(this.layout, store, service);
    }
    const launches = planLaunches({
      layout: this.layout,
      digest: recorded.digest,
      release: recorded.release,
      settings: localSettings(binding),
      portBase: this.options.portBase,
      folders,
      python: this.options.python,
      kafkaBrokers: this.options.kafkaBrokers,
    });
    return { recorded, binding, launches };
  }

  private async startRedis(binding: Binding): Promise<void> {
    const { stateMemoryMiB, cacheMemoryMiB } = localSettings(binding).redis;
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
  }

  private startService(launch: Launch): Promise<void> {
    return this.startChild(launch.name, this.launcher(launch));
  }

  private async startChild(name: string, launch: () => Running): Promise<void> {
    if (this.stopping) throw stopped();
    const child = new Child({ name, log: this.options.log, launch, onChange: () => this.remember() });
    this.children.set(name, child);
    await child.start();
    this.options.progress(`${name} is ready`);
  }

  /** Replaces all and settles, or puts back what ran and throws. */
  private async replaceAll(changed: readonly Launch[], before: readonly Launch[], settle: () => void): Promise<void> {
    const done: Launch[] = [];
    try {
      for (const launch of changed) {
        await this.replaceOne(launch);
        done.push(launch);
      }
      settle();
    } catch (error) {
      this.options.log.error({ err: error }, 'the change did not hold, putting back what ran');
      const added = changed.filter((launch) => !before.some((one) => one.name === launch.name));
      for (const launch of added) await this.remove(launch.name);
      for (const launch of done.reverse()) await this.putBack(launch, before);
      throw error;
    }
  }

  private async remove(name: string): Promise<void> {
    await this.children.get(name)?.stop();
    this.children.delete(name);
  }

  private async replaceOne(launch: Launch): Promise<void> {
    const child = this.children.get(launch.name);
    if (child === undefined) await this.startService(launch);
    else await child.replace(this.launcher(launch), !launch.stateful);
    this.options.progress(`${launch.name} was replaced`);
  }

  private async putBack(launch: Launch, before: readonly Launch[]): Promise<void> {
    const old = before.find((one) => one.name === launch.name);
    if (old === undefined) return;
    try {
      await this.replaceOne(old);
    } catch (error) {
      this.options.log.error({ service: launch.name, reason: messageOf(error) }, 'what ran before did not come back');
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

  private statefulNames(): string[] {
    return (this.standing?.launches ?? []).filter((launch) => launch.stateful).map((launch) => launch.name);
  }

  private redisPort(name: string): number | null {
    return name === 'redis-state' || name === 'redis-cache' ? this.options.portBase + portOffsets[name] : null;
  }
}
