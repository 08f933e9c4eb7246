import type { PairStage } from '@orrery/contracts/pair';
import type { LogEntry } from './pair-log.ts';

export interface PairState {
  readonly pair: string;
  readonly tenant: string;
  readonly model: string;
  readonly stage: PairStage;
  readonly reasons: readonly string[];
  readonly registeredAt: string;
}

export interface LivePair {
  readonly pair: string;
  readonly release: string;
  readonly since: string;
}

/** What people may ask for; live and archived follow from releases. */
const allowed: Readonly<Record<PairStage, readonly PairStage[]>> = {
  registered: ['staged', 'rejected'],
  staged: ['rejected'],
  live: [],
  archived: ['staged'],
  rejected: [],
};

export function mayBecome(from: PairStage, to: PairStage): boolean {
  return allowed[from].includes(to);
}

/** Every pair's stage, folded from the log. */
export class Pairs {
  private readonly states = new Map<string, PairState>();
  private readonly entries: LogEntry[] = [];

  apply(entry: LogEntry): void {
    this.entries.push(entry);
    if (entry.kind === 'registered') {
      const { pair, tenant, model, stage, reasons, at } = entry;
      this.states.set(pair, { pair, tenant, model, stage, reasons, registeredAt: at });
    } else if (entry.kind === 'transition') {
      this.move(entry.pair, entry.to as PairStage);
    } else {
      this.applyLive(new Set(Object.values(entry.live)));
    }
  }

  get(pair: string, tenant: string): PairState | undefined {
    const state = this.states.get(pair);
    return state?.tenant === tenant ? state : undefined;
  }

  list(tenant: string): PairState[] {
    return [...this.states.values()].filter((state) => state.tenant === tenant).reverse();
  }

  events(pair: string): LogEntry[] {
    return this.entries.filter((entry) =>
      entry.kind === 'live' ? Object.values(entry.live).includes(pair) : entry.pair === pair,
    );
  }

  lastLive(): (LogEntry & { kind: 'live' }) | undefined {
    return this.entries.findLast((entry) => entry.kind === 'live');
  }

  /** What was live at a moment, with the release that made it so and since when without a break. */
  liveAt(at: string): Record<string, LivePair> {
    let live: Record<string, LivePair> = {};
    for (const entry of this.entries) {
      if (entry.kind !== 'live' || entry.at > at) continue;
      const before = live;
      const named = Object.entries(entry.live).map(([model, pair]): [string, LivePair] => {
        const since = before[model]?.pair === pair ? before[model].since : entry.at;
        return [model, { pair, release: entry.release, since }];
      });
      live = Object.fromEntries(named);
    }
    return live;
  }

  private applyLive(live: ReadonlySet<string>): void {
    for (const state of this.states.values())
      if (state.stage === 'live' && !live.has(state.pair)) this.move(state.pair, 'archived');
    for (const pair of live) this.move(pair, 'live');
  }

  private move(pair: string, stage: PairStage): void {
    const state = this.states.get(pair);
    if (state !== undefined) this.states.set(pair, { ...state, stage });
  }
}
