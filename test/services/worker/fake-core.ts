import type {
  Beat,
  BeatCode,
  Claimed,
  Ending,
  FinishCode,
  PoolDemand,
  PoolPort,
  Resolved,
} from '#services/orchestrator/src/door/types.ts';

export interface PlannedStep {
  readonly run: string;
  readonly ref?: string;
  readonly handler: string;
  readonly input?: unknown;
  readonly tenant?: string;
  readonly pool?: string;
  readonly deadlineMs?: number;
  readonly heartbeatMs?: number;
}

export interface FakeStep extends Required<PlannedStep> {
  state: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  attempt: number;
  fence: string;
  leaseUntilMs: number;
  isStopped: boolean;
  /** The ending that was accepted; a step must never have two. */
  readonly accepted: Ending[];
  readonly returned: Ending[];
  readonly answers: FinishCode[];
  readonly progress: string[];
}

export interface FakeCoreOptions {
  readonly leaseMs: number;
}

const claimsMax = 256;
const lookMs = 20;

/** The core as workers see it, in memory: steps, leases that run out by the clock, fences that only grow, acceptance once. */
export class FakeCore {
  readonly #leaseMs: number;
  readonly #steps = new Map<string, FakeStep>();
  readonly #ports = new Set<FakePool>();
  readonly #looks: NodeJS.Timeout;
  #fence = 1_000_000_000_000_000;
  /** The most leases at the same time, so far. */
  heldMost = 0;
  /** While it is set, nothing is answered. */
  isAway = false;

  constructor({ leaseMs }: FakeCoreOptions) {
    this.#leaseMs = leaseMs;
    this.#looks = setInterval(() => this.#look(), lookMs);
  }

  stop(): void {
    clearInterval(this.#looks);
  }

  add(...steps: readonly PlannedStep[]): FakeStep[] {
    const added = steps.map((step): FakeStep => ({
      ...{ ref: '0', input: null, tenant: 'main', pool: 'default', deadlineMs: 0, heartbeatMs: 0 },
      ...step,
      ...{ state: 'ready', attempt: 0, fence: '', leaseUntilMs: 0, isStopped: false },
      ...{ accepted: [], returned: [], answers: [], progress: [] },
    }));
    for (const step of added) this.#steps.set(`${step.run}|${step.ref}`, step);
    for (const port of this.#ports) port.wake();
    return added;
  }

  steps(): FakeStep[] {
    return [...this.#steps.values()];
  }

  /** As a reaper does to a lease that ran out. */
  takeBack(step: FakeStep): void {
    step.leaseUntilMs = 0;
    this.#look();
  }

  openPool(demand: PoolDemand): PoolPort {
    const port = new FakePool(demand, this);
    this.#ports.add(port);
    return port;
  }

  closed(port: FakePool): void {
    this.#ports.delete(port);
  }

  resolveInput(claimed: Claimed): Resolved {
    const step = this.#steps.get(`${claimed.run}|${claimed.ref}`);
    if (step === undefined) throw new Error(`no step ${claimed.run}|${claimed.ref}`);
    const { handler, input, deadlineMs, heartbeatMs } = step;
    return { handler, input, deadlineMs, heartbeatMs, step: `step-${step.ref}` };
  }

  tenantOf(run: string): Promise<string | undefined> {
    return Promise.resolve(this.steps().find((step) => step.run === run)?.tenant);
  }

  claim({ tenant, pools }: PoolDemand, want: number): Claimed[] {
    const ready = this.steps().filter(
      (step) => step.state === 'ready' && pools.includes(step.pool) && (tenant === '*' || step.tenant === tenant),
    );
    const claimed = ready.slice(0, Math.min(want, claimsMax)).map((step) => this.#lease(step));
    this.heldMost = Math.max(this.heldMost, this.steps().filter(({ state }) => state === 'running').length);
    return claimed;
  }

  finish(ending: Ending): FinishCode {
    const step = this.#steps.get(`${ending.run}|${ending.ref}`);
    if (step === undefined) return 'stale';
    const code = this.#book(step, ending);
    step.answers.push(code);
    return code;
  }

  beat({ run, ref, fence, dueMs, progress }: Beat): BeatCode {
    const step = this.#steps.get(`${run}|${ref}`);
    if (step?.state !== 'running' || step.fence !== fence || dueMs !== dueMsOf(step)) return 0;
    step.leaseUntilMs = Date.now() + this.#leaseMs;
    if (progress !== undefined) step.progress.push(progress);
    return step.isStopped ? 2 : 1;
  }

  #lease(step: FakeStep): Claimed {
    this.#fence += 1;
    const fence = String(this.#fence);
    Object.assign(step, { state: 'running', attempt: step.attempt + 1, fence });
    step.leaseUntilMs = Date.now() + this.#leaseMs;
    const { run, ref, attempt, tenant } = step;
    const told = { actor: 'tester', workflow: 'trial', definition: 'sha256:0', parameters: '{}', logicalMs: 0 };
    const nowMs = Date.now();
    return { run, ref, fence, attempt, tenant, ...told, results: {}, item: undefined, nowMs, dueMs: dueMsOf(step) };
  }

  #book(step: FakeStep, ending: Ending): FinishCode {
    if (step.accepted.some(({ fence }) => fence === ending.fence)) return 'repeated';
    if (step.returned.some(({ fence }) => fence === ending.fence)) return 'repeated';
    if (step.state !== 'running' || step.fence !== ending.fence) return 'stale';
    if (ending.outcome === 'returned') {
      step.state = 'ready';
      step.returned.push(ending);
    } else {
      if (ending.outcome === 'suspended') throw new Error('no worker suspends a step');
      step.state = ending.outcome;
      step.accepted.push(ending);
    }
    return 'accepted';
  }

  #look(): void {
    if (this.isAway) return;
    for (const step of this.#steps.values()) {
      if (step.state === 'running' && step.leaseUntilMs < Date.now()) step.state = 'ready';
    }
    for (const port of this.#ports) port.wake();
  }
}

/** Made up, but the same for as long as the lease. */
function dueMsOf({ fence }: FakeStep): number {
  return Math.floor(Number(fence) / 1000);
}

/** One exchange at a time; what comes meanwhile goes with the next. */
class FakePool implements PoolPort {
  readonly #demand: PoolDemand;
  readonly #core: FakeCore;
  #endings: { ending: Ending; answer: (code: FinishCode) => void }[] = [];
  #isExchanging = false;
  #isClosed = false;

  constructor(demand: PoolDemand, core: FakeCore) {
    this.#demand = demand;
    this.#core = core;
  }

  finish(ending: Ending): Promise<FinishCode> {
    return new Promise((answer) => {
      this.#endings.push({ ending, answer });
      this.wake();
    });
  }

  async beat(beats: readonly Beat[]): Promise<BeatCode[]> {
    if (this.#core.isAway) throw new Error('the core is away');
    return beats.map((beat) => this.#core.beat(beat));
  }

  wake(): void {
    if (this.#isExchanging || this.#core.isAway) return;
    this.#isExchanging = true;
    setImmediate(() => {
      const endings = this.#endings;
      this.#endings = [];
      const asked = this.#isClosed ? 0 : this.#demand.demand();
      for (const { ending, answer } of endings) answer(this.#core.finish(ending));
      const claimed = this.#core.claim(this.#demand, asked);
      // The reply takes a turn, as it does over a network.
      setImmediate(() => {
        this.#isExchanging = false;
        if (!this.#isClosed) this.#demand.onWork(claimed, asked);
        if (this.#endings.length > 0) this.wake();
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#core.closed(this);
  }
}
