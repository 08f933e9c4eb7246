import assert from 'node:assert/strict';
import { checkRender, type CheckOutcome } from '#stacks/render/check.ts';
import { SmallProgram } from './small-program.ts';

async function check(body: string, imports = '', count = 2): Promise<CheckOutcome> {
  const program = await SmallProgram.make(body, imports);
  try {
    return await checkRender(program.ask, count, () => undefined);
  } finally {
    program.remove();
  }
}

/** Cause, name of the resource and property of each difference. */
function located({ differences }: CheckOutcome): string[] {
  return differences.map(({ cause, urn, property }) => `${cause}: ${urn.split('::').at(-1) ?? ''} ${property}`).sort();
}

describe('the check of a render', function () {
  this.timeout(120_000);

  it('finds nothing in a program that depends on release and binding alone, whatever the machine', async () => {
    const outcome = await check(
      `const bucket = new aws.s3.Bucket('bucket', { tags: { word: request.settings.word } });
       new aws.sqs.Queue('queue', { name: pulumi.interpolate\`\${bucket.bucket}-queue\` });
       await new Promise((resolve) => setTimeout(resolve, 5));
       new aws.sqs.Queue('later', {});`,
      '',
      6,
    );
    assert.deepEqual(
      { renders: outcome.renders, equal: outcome.equal, differences: outcome.differences },
      {
        renders: 6,
        equal: 6,
        differences: [],
      },
    );
  });

  it('names resource, property and cause of everything that a program may read of its machine', async () => {
    const read = {
      date: 'new Date().toISOString()',
      elapsed: 'performance.now()',
      hrtime: 'process.hrtime.bigint()',
      random: 'Math.random()',
      uuid: 'crypto.randomUUID()',
      bytes: `randomBytes(4).toString('hex')`,
      host: 'os.hostname()',
      user: 'os.userInfo().username',
      process: 'process.pid',
      home: 'process.env.HOME',
      folder: 'process.cwd()',
      zone: 'new Date(2001, 1, 1).getTime()',
      locale: '(1234.5).toLocaleString()',
      fixed: '42',
    };
    const keepers = Object.entries(read).map(([name, value]) => `${name}: String(${value})`);
    const imports = `import os from 'node:os'; import { randomBytes } from 'node:crypto';`;
    const outcome = await check(`new random.RandomPet('pet', { keepers: { ${keepers.join(', ')} } });`, imports, 3);
    assert.equal(outcome.equal, 0);
    assert.deepEqual(located(outcome), [
      'clock: pet /inputs/keepers/date',
      'clock: pet /inputs/keepers/elapsed',
      'clock: pet /inputs/keepers/hrtime',
      'environment: pet /inputs/keepers/home',
      'folder: pet /inputs/keepers/folder',
      'identity: pet /inputs/keepers/host',
      'identity: pet /inputs/keepers/user',
      'locale: pet /inputs/keepers/locale',
      'process: pet /inputs/keepers/process',
      'random: pet /inputs/keepers/bytes',
      'random: pet /inputs/keepers/random',
      'random: pet /inputs/keepers/uuid',
      'timezone: pet /inputs/keepers/zone',
    ]);
  });

  it('catches the order of a set that fills as things complete, and a race that is awaited', async () => {
    const outcome = await check(
      `const [one, other] = ['one', 'other'].map((name) => new random.RandomPet(name, {}));
       const done = new Set();
       for (const pet of [one, other]) pet.id.apply((id) => done.add(pet));
       const names = pulumi.all([one.id, other.id]).apply(() => [...done].map((pet) => pet.__name).join());
       const settled = (pet) => new Promise((resolve) => pet.id.apply(() => resolve(pet.__name)));
       const winner = await Promise.race([settled(one), settled(other)]);
       new random.RandomPet('pet', { keepers: { names, winner } });`,
      '',
      6,
    );
    assert.ok(outcome.equal < outcome.renders);
    assert.deepEqual(located(outcome), ['order: pet /inputs/keepers/names', 'order: pet /inputs/keepers/winner']);
  });

  it('tells a resource that is made on some machines, and a program that fails on some', async () => {
    const made = await check(`if (process.env.USER !== undefined) new random.RandomPet('made', {});`, '', 1);
    assert.deepEqual(located(made), ['environment: made ']);
    const failing = await check(
      `if (process.env.USER) throw Object.assign(new Error('not here'), { code: 'NOT_HERE', hint: 'x' });`,
      '',
      1,
    );
    assert.equal(failing.equal, 0);
    assert.deepEqual(
      failing.differences.map(({ cause, right }) => [cause, right]),
      [['environment', 'NOT_HERE: not here']],
    );
  });
});
