import type { RunLogEntry } from '@orrery/contracts/run-event';
import type { ShardState } from '../core/transitions.ts';
import type { ShardLog } from './repair.ts';

/** What the core offers for a repair. */
export interface ReplayingCore {
  /** Applies a call in its turn; `made` is the text of the entry that came of it. */
  replay(
    shard: string,
    entry: Pick<RunLogEntry, 'n' | 'at' | 'release' | 'call'>,
  ): Promise<{ readonly outcome: 'applied' | 'known' | 'gap'; readonly made: string }>;
  /** Closes a shard for all but replays, or opens it to every process of Redis. */
  close(shard: string, closed: boolean): Promise<number>;
  openFor(shard: string, process: string): Promise<void>;
  look(shard: string): Promise<ShardState>;
}

/** The log of the shards on the core: whether an entry did again what it had done is seen by its events. */
export function coreLog(core: ReplayingCore): ShardLog {
  return {
    look: (shard) => core.look(shard),
    async close(shard) {
      await core.close(shard, true);
    },
    open: (shard, process) => core.openFor(shard, process),
    async replay(shard, text) {
      const entry = JSON.parse(text) as RunLogEntry;
      const { outcome, made } = await core.replay(shard, entry);
      if (outcome === 'known') return 'known';
      return outcome === 'applied' && eventsOf(made) === JSON.stringify(entry.events) ? 'applied' : 'differs';
    },
  };
}

function eventsOf(text: string): string {
  return text === '' ? '[]' : JSON.stringify((JSON.parse(text) as RunLogEntry).events);
}
