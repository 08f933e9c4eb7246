import { parseArgs } from 'node:util';
import { runSchedules } from './schedules.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const seeds = Array.from({ length: count }, (_, index) => from + index);
const began = performance.now();

try {
  await runSchedules({
    seeds,
    onProgress: (done) => {
      if (done % 500 !== 0 && done !== count) return;
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      process.stdout.write(`${done} of ${count} schedules in ${seconds} s\n`);
    },
  });
  process.stdout.write(`no invariant was broken in ${count} schedules from seed ${from}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
