import { BrokenCircuitError, circuitBreaker, CircuitState, handleWhen, type IBreaker } from 'cockatiel';
import type { Clock } from '@orrery/kit/clock';
import { OrreryError } from '@orrery/kit/errors';
import { ClassedError } from '../work/error-class.ts';

export type BreakerState = 'closed' | 'half-open' | 'open';

export interface BreakerOptions {
  /** Whether an error means that whoever is called is away. Only such errors open a breaker. */
  readonly isAway: (error: unknown) => boolean;
  /** How long nothing but such errors must have come until calls are no longer made. */
  readonly awayMs: number;
  /** How long an open breaker waits until it lets one call through, to see. */
  readonly probeMs: number;
  readonly clock: Clock;
  /** Told at every change: for metrics. */
  readonly onState: (callee: string, state: BreakerState) => void;
}

/** So few failures prove nothing, however long ago the first was. */
const failuresMin = 3;

/** A breaker for each of those that steps call, shared by all steps of this process. */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #breakers = new Map<string, Breaker>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  of(callee: string): Breaker {
    const known = this.#breakers.get(callee) ?? new Breaker(callee, this.#options);
    this.#breakers.set(callee, known);
    return known;
  }
}

/** Stops calling who has been away for long: steps are handed back at once instead of holding their slots. */
export class Breaker {
  readonly #callee: string;
  readonly #options: BreakerOptions;
  readonly #policy: ReturnType<typeof circuitBreaker>;
  #openedAtMs = 0;

  constructor(callee: string, options: BreakerOptions) {
    this.#callee = callee;
    this.#options = options;
    this.#policy = circuitBreaker(handleWhen(options.isAway), {
      halfOpenAfter: options.probeMs,
      breaker: awayBreaker(options),
    });
    this.#policy.onStateChange((state) => {
      if (state === CircuitState.Open) this.#openedAtMs = options.clock.now();
      options.onState(callee, nameOf(state));
    });
    options.onState(callee, 'closed');
  }

  get state(): BreakerState {
    return nameOf(this.#policy.state);
  }

  /**
   * Throws `CIRCUIT_OPEN` without a call while the breaker is open or a probe is under way, else what the call throws. Every answer
   * but being away shows that the callee is there; what is no error of ours (an abort) shows nothing.
   */
  async call<T>(act: () => Promise<T>): Promise<T> {
    if (this.state === 'half-open') throw this.#refusal(this.#options.probeMs);
    const { isAway, clock, probeMs } = this.#options;
    const attempt = async (): Promise<{ readonly value: T } | { readonly error: OrreryError }> => {
      try {
        return { value: await act() };
      } catch (error) {
        if (isAway(error) || !(error instanceof OrreryError)) throw error;
        return { error };
      }
    };
    const answer = await this.#policy.execute(attempt).catch((error: unknown) => {
      throw error instanceof BrokenCircuitError ? this.#refusal(this.#openedAtMs + probeMs - clock.now()) : error;
    });
    if ('error' in answer) throw answer.error;
    return answer.value;
  }

  #refusal(leftMs: number): ClassedError {
    const waitMs = Math.max(1, leftMs);
    return new ClassedError('unavailable', {
      code: 'CIRCUIT_OPEN',
      message: `${this.#callee} is away: it is not called for the next ${waitMs} ms`,
      hint: `see why ${this.#callee} is away: npx orrery status; let the step be tried again by retry`,
      retry: 'retryable',
      retryAfterMs: waitMs,
    });
  }
}

/** Opens when whoever is called has been away all the time since `awayMs`, and again when a probe finds it so. */
function awayBreaker({ awayMs, clock }: BreakerOptions): IBreaker {
  let failures = 0;
  let firstAtMs = 0;
  return {
    state: undefined,
    success: () => {
      failures = 0;
    },
    failure: (state) => {
      if (failures === 0) firstAtMs = clock.now();
      failures += 1;
      return state === CircuitState.HalfOpen || (failures >= failuresMin && clock.now() - firstAtMs >= awayMs);
    },
  };
}

function nameOf(state: CircuitState): BreakerState {
  return state === CircuitState.Closed ? 'closed' : state === CircuitState.HalfOpen ? 'half-open' : 'open';
}
