import type { RunLogEntry } from '@orrery/contracts/run-event';
import type { ShardLog } from './repair.ts';

/** What the core offers for a repair. */
export interface ReplayingCore {
  /** Applies a call in its turn; `made` is the text of the entry that came of it. */
  replay(
    shard: string,
    entry: Pick<RunLogEntry, 'n' | 'at' | 'release' | 'call'>,
  ): Promise<{ readonly outcome: 'applied' | 'known' | 'gap'; readonly made: string }>;
  /** Closes a shard for all but replays, or opens it; gives the `n` of its last entry. */
  close(shard: string, closed: boolean): Promise<number>;
}

/** The log of the shards on the core: whether an entry did again what it had done is seen by its events. */
export function coreLog(core: ReplayingCore, sequence: (shard: string) => Promise<number>): ShardLog {
  return {
    sequence,
    async close(shard) {
      await core.close(shard, true);
    },
    async open(shard) {
      await core.close(shard, false);
    },
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
