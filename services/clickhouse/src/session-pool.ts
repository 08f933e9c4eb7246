import { Session } from 'chdb';
import type { Settings } from './config.ts';
import { refuse } from './errors.ts';

/** A session runs one query at a time: so `sessions` are at work, and `waitingMax` wait, by arrival, each for `waitMs`. */
export function createSessionPool(folder: string, { sessions, waitingMax, waitMs }: Settings) {
  const waiting = new Set<(session: Session) => void>();
  const free = Array.from({ length: sessions }, () => new Session(folder));
  return {
    /** Throws TOO_MANY_SIMULTANEOUS_QUERIES when the queue is full, the wait too long, or the signal aborts. */
    take: async (signal: AbortSignal): Promise<Session> => {
      const session = free.pop();
      if (session !== undefined) return session;
      const busy = `${sessions} queries run and ${waiting.size} of at most ${waitingMax} wait, each ${waitMs} ms`;
      const refusal = refuse('TOO_MANY_SIMULTANEOUS_QUERIES', 202, busy, 'try again later');
      if (waiting.size >= waitingMax) throw refusal;
      return new Promise((resolve, reject) => {
        const leave = () => waiting.delete(resolve) && reject(refusal);
        AbortSignal.any([signal, AbortSignal.timeout(waitMs)]).addEventListener('abort', leave, { once: true });
        waiting.add(resolve);
      });
    },
    /** `clean`: nothing of the query is left on it. Otherwise another session takes its place. */
    give: (session: Session, clean: boolean): void => {
      if (!clean) session.close();
      const next = clean ? session : new Session(folder);
      const [settle = () => free.push(next)] = waiting;
      waiting.delete(settle);
      settle(next);
    },
  };
}
