// A worker under test: its options come as one argument, what its handlers see goes to stdout, a line of JSON each.
import { setTimeout as delay } from 'node:timers/promises';
import type { HandlerContext } from '@orrery/worker/attempt';
import { StepError, WorkerError, type ErrorClass } from '@orrery/worker/step-error';
import { createWorker } from '@orrery/worker/worker';
import type { WorkerProgram } from '../place.ts';

interface Failing {
  readonly class?: ErrorClass;
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly retryable?: boolean;
  readonly plain?: boolean;
}

function tell(event: string, fields: object): void {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

function begin({ run, fence, signal }: HandlerContext): void {
  tell('started', { run, fence });
  signal.addEventListener('abort', () => tell('aborted', { run, fence, reason: String(signal.reason) }));
}

const handlers = {
  echo: (input: unknown) => input,
  context: (_input: unknown, { signal: _signal, heartbeat: _heartbeat, log, ...known }: HandlerContext) => {
    log('seen', { known: Object.keys(known).length });
    return known;
  },
  sleep: async ({ ms }: { ms: number }, context: HandlerContext) => {
    begin(context);
    await delay(ms, undefined, { signal: context.signal });
    return 'slept';
  },
  stubborn: async ({ ms }: { ms: number }, context: HandlerContext) => {
    begin(context);
    await delay(ms);
    return 'did not listen';
  },
  fail: ({ message, plain = false, ...details }: Failing) => {
    throw plain ? new Error(message) : new StepError(message, details);
  },
  report: async ({ times, everyMs }: { times: number; everyMs: number }, context: HandlerContext) => {
    for (let done = 1; done <= times; done += 1) {
      context.heartbeat({ done });
      await delay(everyMs);
    }
    return 'reported';
  },
  large: ({ bytes }: { bytes: number }) => 'x'.repeat(bytes),
  strange: () => 12n,
};

const { without = [], ...options } = JSON.parse(process.argv[2] ?? '{}') as WorkerProgram;
const kept = Object.fromEntries(Object.entries(handlers).filter(([name]) => !without.includes(name)));
const worker = createWorker({ build: 'b1', ...options, handlers: kept });
try {
  await worker.closed;
  tell('closed', {});
} catch (error) {
  tell('refused', { code: error instanceof WorkerError ? error.code : String(error) });
  process.exitCode = 1;
}
