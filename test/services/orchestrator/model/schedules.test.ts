import { describe, it } from 'mocha';
import { runSchedules } from './schedules.ts';

const schedules = 300;

describe('the shard under faults', function () {
  this.timeout(300_000);

  it('loses no run, accepts no result twice and leaks no slot, whatever breaks', async () => {
    // More of them: npm run faults:orchestrator -- --seeds 10000; a failure names its seed: -- --seed 1321.
    await runSchedules({ seeds: Array.from({ length: schedules }, (_, index) => index) });
  });
});
