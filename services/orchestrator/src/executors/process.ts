import { availableParallelism } from 'node:os';
import { canonicalJson, digestOfBytes } from '@orrery/contracts/digest';
import type { Config } from '@orrery/kit/config';
import { OrreryError } from '@orrery/kit/errors';
import type { ObjectStore } from '@orrery/kit/store';
import type { TObject } from 'typebox';
import { sweepCgroups } from './cgroup.ts';
import { findIsolation } from './isolation-probe.ts';
import { readProcessTable } from './process-table.ts';
import { runProgram, type ProgramDeps } from './program.ts';
import { describeIsolation, type Isolation } from './sandbox.ts';
import type { Given, StepContext, StepExecutor, StepTask } from './types.ts';
import { layInputs, makeWorkspace, ownFolder, readResult, sweepWorkspaces, takeOutputs } from './workspace.ts';

/** What a process step leaves. */
export interface ProcessResult {
  /** The content of `out/result.json`. */
  readonly result: unknown;
  /** The other files of `out/`: name -> digest in the store. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Digest of the bundle that ran. */
  readonly program: string;
  readonly reused: boolean;
}

/** Results of programs that are functions of their inputs. */
export interface ResultCache {
  get(tenant: string, inputs: string): Promise<Omit<ProcessResult, 'reused'> | undefined>;
  set(tenant: string, inputs: string, result: Omit<ProcessResult, 'reused'>): Promise<void>;
}

type ProcessTask = StepTask<Given<'process'>>;
export type Programs = Config<TObject>['programs'];

export interface ProcessExecutorOptions extends ProgramDeps {
  readonly programs: Programs;
  readonly store: ObjectStore;
  readonly results: ResultCache;
  /** Where workspaces are made. */
  readonly folder: string;
  readonly resultBytesMax: number;
}

const processesDefault = 64;
const outputDefaultMiB = 1024;
/** Users without a name, from which attempts take one that nothing runs as. */
const firstUid = 61_184;
const uids = 4000;
const basics = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8', TZ: 'UTC' };

/** Runs programs of the release, each attempt isolated, in a workspace of its own that is gone afterwards. */
export class ProcessExecutor implements StepExecutor<Given<'process'>> {
  readonly #options: ProcessExecutorOptions;
  readonly #isolations = new Map<string, Promise<Isolation>>();
  #folder: string | undefined;
  #probes = 0;

  constructor(options: ProcessExecutorOptions) {
    this.#options = options;
  }

  /** Ends and removes what earlier processes left. Call it before the first attempt. */
  async start(): Promise<void> {
    const { folder, platform, log } = this.#options;
    const swept = await sweepWorkspaces(folder, platform);
    if (swept > 0) log.warn({ attempts: swept }, 'ended and removed what an earlier process left');
    await sweepCgroups();
    this.#folder = await ownFolder(folder, platform);
  }

  async execute(task: ProcessTask, context: StepContext): Promise<ProcessResult> {
    const { programs, results } = this.#options;
    const program = programs[task.given.program];
    if (program === undefined) throw programUnknown(task.given.program, Object.keys(programs));
    const inputs = inputsDigest(task, program.bundle);
    if (task.given.reuse === 'same-inputs') {
      const earlier = await results.get(task.tenant, inputs);
      if (earlier !== undefined && (await this.#holdsAll(earlier.outputs))) return { ...earlier, reused: true };
    }
    const fresh = { ...(await this.#run(task, context, program)), program: program.bundle };
    await results.set(task.tenant, inputs, fresh);
    return { ...fresh, reused: false };
  }

  async #run(task: ProcessTask, context: StepContext, program: Programs[string]) {
    const { store, resultBytesMax, log } = this.#options;
    const { given, fence } = task;
    const isolation = await this.#isolationOf(given.program, program);
    const workspace = await makeWorkspace(this.#ownFolder(), fence);
    try {
      await layInputs(workspace, given.inputs ?? {}, store);
      const uid = await this.#freeUid(Number(BigInt(fence) % BigInt(uids)));
      if (isolation.becomes === 'own-user') await workspace.giveTo(uid);
      const identity = { FENCE: fence, RUN: task.run, STEP: task.name };
      const home = { HOME: workspace.folder, TMPDIR: `${workspace.folder}/tmp` };
      const run = {
        isolation,
        workspace,
        uid,
        command: [...program.command, ...(given.arguments ?? [])],
        environment: { ...basics, ...program.environment, ...home, ...identity },
        limits: {
          memoryMiB: given.limits.memoryMiB,
          processesMax: given.limits.processesMax ?? processesDefault,
          outputMiB: given.limits.outputMiB ?? outputDefaultMiB,
          cpuSeconds: Math.ceil(task.timeoutMs / 1000) * availableParallelism(),
        },
        signal: context.signal,
        onStage: (stage: object) => context.report(stage),
      };
      await runProgram(run, { ...this.#options, log: log.child({ run: task.run, step: task.name, fence }) });
      return { result: await readResult(workspace, resultBytesMax), outputs: await takeOutputs(workspace, store) };
    } finally {
      await workspace.remove();
    }
  }

  #isolationOf(name: string, program: Programs[string]): Promise<Isolation> {
    const known = this.#isolations.get(name) ?? this.#findIsolation(name, program);
    this.#isolations.set(name, known);
    // A failure may pass: the next attempt looks again.
    known.catch(() => this.#isolations.delete(name));
    return known;
  }

  async #findIsolation(name: string, program: Programs[string]): Promise<Isolation> {
    const isolation = await findIsolation(program, {
      ...this.#options,
      environment: { ...basics },
      uid: await this.#freeUid(0),
      makeWorkspace: async () => {
        this.#probes += 1;
        return makeWorkspace(this.#ownFolder(), `probe-${this.#probes}`);
      },
    });
    this.#options.log.info({ program: name, isolation: describeIsolation(isolation) }, 'programs are isolated');
    return isolation;
  }

  /** A user that no process runs as, so that its limits count this attempt alone. */
  async #freeUid(start: number): Promise<number> {
    const taken = new Set([...(await readProcessTable(this.#options.platform)).values()].map((entry) => entry.uid()));
    for (let i = 0; i < uids; i += 1) {
      const uid = firstUid + ((start + i) % uids);
      if (!taken.has(uid)) return uid;
    }
    return firstUid;
  }

  async #holdsAll(outputs: Readonly<Record<string, string>>): Promise<boolean> {
    for (const digest of Object.values(outputs)) if (!(await this.#options.store.has(digest))) return false;
    return true;
  }

  #ownFolder(): string {
    if (this.#folder !== undefined) return this.#folder;
    throw new OrreryError({ code: 'NOT_STARTED', message: 'the process executor was not started', hint: 'call start' });
  }
}

/** Names what a program computes from: the same digest promises the same result. */
function inputsDigest({ given }: ProcessTask, program: string): string {
  const parts = { program, arguments: given.arguments ?? [], inputs: given.inputs ?? {} };
  return digestOfBytes(`orrery/step-inputs@1\n${canonicalJson(parts)}`);
}

function programUnknown(name: string, known: readonly string[]): OrreryError {
  return new OrreryError({
    code: 'PROGRAM_UNKNOWN',
    message: `this release has no program "${name}"`,
    hint: `known: ${known.join(', ')}`,
  });
}
