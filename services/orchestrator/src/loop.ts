import type { Clock } from '@orrery/kit/clock';
import { messageOf } from '@orrery/kit/errors';
import type { Log } from '@orrery/kit/log';
import { backoff } from '@orrery/kit/retry';

export interface LoopOptions {
  readonly name: string;
  /** How long to wait when there was nothing to do. */
  readonly idleMs: number;
  /** One round; says whether there is more to do at once. A throw is logged and tried again after a growing wait. */
  readonly round: () => Promise<boolean>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

const failureFirstMs = 100;
const failureMaxMs = 5000;

/** Work that is done again and again until it is stopped: rounds never overlap, and a wake-up during a round is not lost. */
export class Loop {
  readonly #options: LoopOptions;
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #done: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done ??= this.#run();
  }

  /** There is something to do: don't wait. */
  wake(): void {
    // A reason of its own: making the usual one takes a stack, and wake-ups come by the thousand.
    this.#wake.abort('woken');
  }

  /** Lets the round in progress end. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { idleMs, round, clock, log, name, random } = this.#options;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      let waitMs = idleMs;
      try {
        if (await round()) waitMs = 0;
        failures = 0;
      } catch (error) {
        failures += 1;
        waitMs = Math.max(idleMs, backoff(failures, { backoffMs: failureFirstMs, backoffMaxMs: failureMaxMs, random }));
        log.warn({ loop: name, failures, reason: messageOf(error) }, 'a round failed, trying again');
      }
      // A stop aborts the wake-up too.
      if (waitMs > 0) await clock.sleep(waitMs, this.#wake.signal);
    }
  }
}
