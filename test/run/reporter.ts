import mocha, { type MochaOptions, type Runner } from 'mocha';
import { writeFileSync } from 'node:fs';

/** What one mocha process found, as it tells its parent. */
export interface Outcome {
  readonly passed: number;
  readonly failed: readonly string[];
  /** The titles of the suites with skipped tests, or of a test outside every suite, and how many each has. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** Mocha's own live report, and the outcome as JSON at the end for the process that started it. */
export default class OutcomeReporter extends mocha.reporters.Spec {
  constructor(runner: Runner, options: MochaOptions) {
    super(runner, options);
    const { output } = options.reporterOptions as { output: string };
    let passed = 0;
    const failed: string[] = [];
    const skipped: Record<string, number> = {};
    const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } = mocha.Runner.constants;
    runner.on(EVENT_TEST_PASS, () => (passed += 1));
    runner.on(EVENT_TEST_FAIL, (test) => failed.push(test.titlePath().join(' › ')));
    runner.on(EVENT_TEST_PENDING, (test) => {
      const suite = test.titlePath().slice(0, -1).join(' › ') || test.title;
      skipped[suite] = (skipped[suite] ?? 0) + 1;
    });
    runner.once(EVENT_RUN_END, () =>
      writeFileSync(output, JSON.stringify({ passed, failed, skipped } satisfies Outcome)),
    );
  }
}
