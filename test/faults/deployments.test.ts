import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentsOf, movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { acquireLock } from '#stacks/promotion/lock.ts';
import { lastMove, readPin } from '#stacks/promotion/pin.ts';
import { pinFile } from '#stacks/release/places.ts';
import { readRelease } from '#stacks/release/records.ts';
import { cloneRepository, collect, type Answer, type Clone } from '#test/support/clone.ts';
import { eventually } from '#test/support/eventually.ts';
import { call, processesNaming, processesOf } from '#test/support/platform.ts';
import type { Death } from './death.ts';

interface Status {
  readonly release: string;
  readonly number: number;
  readonly processes: readonly { name: string; state: string; pid: number; version: string | null }[];
}

/** The entries of a deployment that replaces two services, in the order in which the ledger gets them. */
const entries = [
  'deployment-started',
  ...['verify', 'render', 'materialise', 'replace scoring', 'replace orchestrator'].flatMap(bothOf),
  'settle started',
  'pin',
  'settle done',
  ...bothOf('registry'),
  'deployment-ended',
];
const deaths: readonly Death[] = [
  ...entries.map((entry) => ({ when: 'after', entry }) as const),
  { when: 'before', entry: 'replace scoring done' },
  { when: 'before', entry: 'pin' },
  { when: 'after', entry: 'replace scoring started', delayMs: 150 },
  { when: 'after', entry: 'replace orchestrator started', delayMs: 150 },
];

describe('deployments of local', () => {
  let clone: Clone;
  let places: { root: string; state: string };
  let deathFile: string;
  let [older, newer] = ['', ''];
  let processCount = 0;

  before(async function () {
    this.timeout(180_000);
    clone = cloneRepository();
    places = { root: clone.root, state: clone.state };
    deathFile = join(clone.state, 'death.json');
    await succeed(['up']);
    older = (await status()).release;
    processCount = (await processesOf(clone)).length;
    newer = await releaseWith('default: 2', 'default: 5');
  });
  after(async () => clone.remove());

  const orrery = (words: readonly string[]): Promise<Answer> =>
    clone.orrery(words, {
      env: {
        ORRERY_TEST_DEATH: deathFile,
        NODE_OPTIONS: `--import=${join(import.meta.dirname, 'death.ts')} --disable-warning=ExperimentalWarning`,
      },
    });
  const succeed = async (words: readonly string[]): Promise<Answer> => {
    const answer = await orrery(words);
    assert.equal(answer.code, 0, `${words.join(' ')}: ${answer.stderr}`);
    return answer;
  };
  const status = () => call<Status>(clone, 0, '/v1/status');
  const ledger = () => readLedger(places, 'local');
  const moves = () => movesOf(ledger());
  const lastEvents = (count: number) =>
    ledger()
      .slice(ledger().length - count)
      .map(({ event }) => {
        if (event.kind === 'deployment-step') return `${event.step} ${event.outcome}`;
        return event.kind === 'deployment-ended' ? `${event.outcome}, stands on ${event.standsOn}` : event.kind;
      });

  /** A release of the clone's HEAD in which scoring has another default. */
  async function releaseWith(before: string, after: string): Promise<string> {
    clone.commit('services/scoring/src/config.ts', (text) => text.replace(before, after));
    const made = await succeed(['release', 'create', '--live', 'local', '--json']);
    return (made.json() as { release: string }).release;
  }

  /** The platform runs whole on one release, and nothing else of the clone runs. */
  async function assertRuns(release: string): Promise<void> {
    const found = await status();
    assert.equal(found.release, release);
    assert.deepEqual(
      found.processes.filter((one) => one.state !== 'ready'),
      [],
    );
    assert.equal(new Set(found.processes.map((one) => one.name)).size, processCount);
    const whole = () => processesNaming(clone.root).length === processCount + 1;
    await eventually(whole, { timeoutMs: 15_000, what: 'no process too many' }).catch((error: unknown) => {
      throw new Error(processesNaming(clone.root).join('\n'), { cause: error });
    });
    const pin = readPin(places, 'local');
    assert.equal(pin?.release, release);
    assert.deepEqual(pin, lastMove(ledger())?.event.pin);
  }

  /** Lets the deployer die in the middle of a command, and sees that what is written is true. */
  async function die(words: readonly string[], death: Death, target: string): Promise<void> {
    writeFileSync(deathFile, JSON.stringify(death));
    const movesBefore = moves().length;
    const answer = await orrery(words);
    rmSync(deathFile);
    assert.equal(answer.code, 1, `${words.join(' ')} answered although its deployer died: ${answer.stdout}`);
    assert.match(answer.stderr, /ended while it was asked.*\n {2}run the same command again/);
    const moved = moves().length - movesBefore;
    const pinned = readPin(places, 'local')?.release;
    const standsOn = lastMove(ledger())?.event.pin.release;
    assert.equal(standsOn === target, moved === 1);
    // Killed between the ledger and the file: the only moment at which they may differ.
    if (!(death.when === 'after' && death.entry === words[0])) assert.equal(pinned, standsOn);
  }

  async function converge(words: readonly string[], target: string, comesFirst: string): Promise<void> {
    if (comesFirst === 'up') await succeed(['up']);
    const again = await succeed([...words, '--json']);
    assert.equal((again.json() as { to: { release: string } }).to.release, target);
    if (comesFirst !== 'up') await succeed(['up']);
  }

  for (const [index, death] of deaths.entries()) {
    const { when, entry, delayMs } = death;
    const place = `${delayMs === undefined ? '' : `${delayMs} ms `}${when} "${entry}"`;
    it(`killed ${place}: the ledger is true and the same command converges`, async function () {
      this.timeout(120_000);
      for (const kind of ['pin', 'rollback'] as const) {
        const [words, target] =
          kind === 'pin' ? [['pin', 'local', newer], newer] : [['rollback', 'local', '--to', '1'], older];
        const movesBefore = moves().length;
        const killed = { ...death, entry: entry === 'pin' ? kind : entry };
        await die(words, killed, target);
        const id = deploymentsOf(ledger()).at(-1)?.id;
        await converge(words, target, index % 3 === 0 ? 'up' : 'again');
        await assertRuns(target);
        const deployment = deploymentsOf(ledger()).find((one) => one.id === id);
        const ended = deployment?.ended?.event;
        const wasMoved = entries.indexOf(entry) > entries.indexOf('pin') || (entry === 'pin' && when === 'after');
        assert.deepEqual(
          [ended?.outcome, ended?.standsOn],
          entry === 'deployment-ended' ? ['succeeded', 'target'] : ['interrupted', wasMoved ? 'target' : 'previous'],
        );
        assert.equal(moves().length, movesBefore + 1, 'one command moves the pin once, however often it is run');
        assert.deepEqual(
          deploymentsOf(ledger()).filter((one) => one.ended === undefined),
          [],
        );
      }
    });
  }

  describe('when it runs', () => {
    before(async function () {
      this.timeout(60_000);
      await succeed(['pin', 'local', older]);
    });

    it('says that there is nothing to do when what runs is what is pinned', async () => {
      const before = ledger().length;
      const answer = await succeed(['pin', 'local', older]);
      assert.match(answer.stdout, /stands on [0-9a-f]{12} already[^]*nothing/);
      assert.equal(ledger().length, before);
    });

    it('puts back what ran when a service does not come up, and tells it', async function () {
      this.timeout(60_000);
      const broken = await releaseWith('default: 5', 'default: 99');
      const pids = new Map((await status()).processes.map((one) => [one.name, one.pid]));
      const answer = await orrery(['pin', 'local', broken]);
      assert.equal(answer.code, 1);
      assert.match(answer.stderr, /scoring did not start/);
      assert.deepEqual(lastEvents(2), ['replace scoring failed', 'failed, stands on previous']);
      await assertRuns(older);
      assert.deepEqual(
        (await status()).processes.filter((one) => pids.get(one.name) !== one.pid).map((one) => one.name),
        [],
      );
    });

    it('keeps the exit code of what the deployer refuses: a release that its commit does not make is unsafe', async function () {
      this.timeout(120_000);
      const forged = await releaseWith('default: 99', 'default: 7');
      const recorded = readRelease(places, forged);
      const provenance = join(recorded.folder, 'provenance.json');
      const text = readFileSync(provenance, 'utf8');
      const { commit } = readRelease(places, older).provenance;
      chmodSync(provenance, 0o644);
      writeFileSync(provenance, text.replace(recorded.provenance.commit, commit));
      const bundle = recorded.release.services['scoring']?.bundle.slice('sha256:'.length) ?? '';
      rmSync(join(clone.state, 'store', 'sha256', bundle.slice(0, 2), bundle));
      const answer = await orrery(['pin', 'local', forged, '--json']);
      assert.equal((answer.json() as { error: { code: string } }).error.code, 'REBUILD_DIFFERS');
      assert.equal(answer.code, 3);
      await assertRuns(older);
    });

    it('refuses a second change while one is under way, naming whose, or waits for it', async function () {
      this.timeout(60_000);
      const lease = await acquireLock(places, 'local', { holder: 'somebody else' });
      const before = ledger().length;
      const refused = await orrery(['pin', 'local', newer]);
      assert.equal(refused.code, 3);
      assert.match(refused.stderr, /held by somebody else .*since 20.*until 20/);
      assert.equal(ledger().length, before);
      const waiting = orrery(['pin', 'local', newer, '--wait', '50']);
      const live = { model: 'arrival-delay', pair: older, reason: 'a test' };
      const going = call(clone, 0, '/v1/live', live).catch((error: unknown) => String(error));
      const settled = await Promise.race([
        waiting,
        going,
        eventually(() => false, { timeoutMs: 1500 }).catch(() => 'no'),
      ]);
      assert.equal(settled, 'no');
      await lease.release();
      assert.equal((await waiting).code, 0, (await waiting).stderr);
      assert.match(String(await going), /PAIR_UNKNOWN/);
      await assertRuns(newer);
    });

    it('tells a change as interrupted during which it was told to end, and ends', async function () {
      this.timeout(60_000);
      const before = ledger().length;
      const [standing, target] = (await status()).release === older ? [older, newer] : [newer, older];
      const changing = orrery(['pin', 'local', target]);
      const isReplacing = () => lastEvents(ledger().length - before).includes('replace scoring started');
      await eventually(isReplacing, { timeoutMs: 20_000, intervalMs: 5 });
      await succeed(['down']);
      const answer = await changing;
      assert.equal(answer.code, 1);
      assert.match(answer.stderr, /was told to end|ended while it was asked/);
      assert.deepEqual(lastEvents(1), ['interrupted, stands on previous']);
      assert.deepEqual(processesNaming(clone.root), []);
      assert.equal(readPin(places, 'local')?.release, standing);
    });

    it('fences every entry by a lease, each greater than the one before', () => {
      const fences = [...new Set(ledger().map((entry) => entry.fence))];
      assert.ok(fences.length > 2 && fences.every((fence, index) => fence > (fences[index - 1] ?? 0)));
    });
  });

  describe('when nothing runs', () => {
    before(async function () {
      this.timeout(60_000);
      await succeed(['down']);
      await succeed(['pin', 'local', newer]);
    });

    it('lets one of two that move the pin at one moment win each turn, and loses neither', async function () {
      this.timeout(60_000);
      const before = moves().length;
      const answers = await Promise.all([
        orrery(['pin', 'local', older]),
        orrery(['rollback', 'local', '--to', '1', '--wait', '30']),
      ]);
      for (const answer of answers) assert.ok(answer.code === 0 || /held by/.test(answer.stderr), answer.stderr);
      assert.equal(moves().length, before + 1);
      assert.equal(readPin(places, 'local')?.release, older);
    });

    it('does not come up while somebody changes what is pinned, and leaves nothing running', async function () {
      this.timeout(60_000);
      const lease = await acquireLock(places, 'local', { holder: 'somebody else' });
      const answer = await orrery(['up']);
      await lease.release();
      assert.equal(answer.code, 3);
      assert.match(answer.stderr, /held by somebody else/);
      assert.deepEqual(processesNaming(clone.root), []);
    });

    it('takes the ledger for true where the pin says something else or is gone', async function () {
      this.timeout(60_000);
      const file = pinFile(places, 'local');
      const pin = JSON.parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, JSON.stringify({ ...pin, release: newer }));
      await succeed(['up']);
      await assertRuns(older);
      await succeed(['down']);
      rmSync(file);
      await succeed(['up']);
      await assertRuns(older);
      await succeed(['down']);
    });

    it('ends what an interrupted start had begun', async function () {
      this.timeout(60_000);
      const child = clone.start(['up']);
      const ended = collect(child, 60_000);
      await eventually(() => processesNaming(clone.root).some((line) => line.includes('versions/clickhouse')), {
        timeoutMs: 30_000,
      });
      child.kill('SIGINT');
      const answer = await ended;
      assert.deepEqual([answer.code, /interrupted/.test(answer.stderr)], [1, true], answer.stderr);
      assert.deepEqual(processesNaming(clone.root), []);
    });

    it('ends what a start had begun whose command was killed', async function () {
      this.timeout(60_000);
      const child = clone.start(['up']);
      const ended = collect(child, 60_000);
      await eventually(() => processesNaming(clone.root).some((line) => line.includes('versions/clickhouse')), {
        timeoutMs: 30_000,
      });
      child.kill('SIGKILL');
      await ended;
      await eventually(() => processesNaming(clone.root).length === 0, { timeoutMs: 30_000 });
    });

    it('gives one error with its remedy for records of an earlier form, and the remedy keeps the data', async function () {
      this.timeout(120_000);
      const lines = join(clone.state, 'records', 'ledger', 'local.jsonl');
      writeFileSync(lines, '{"schema":1}\n');
      const answer = await orrery(['up']);
      assert.equal(answer.code, 3);
      assert.match(
        answer.stderr,
        /^orrery: .*local\.jsonl was written by an earlier form.*\n {2}delete the folders records and pins/,
      );
      assert.doesNotMatch(answer.stderr, /\n {4}at /);
      for (const folder of ['records', 'pins']) rmSync(join(clone.state, folder), { recursive: true });
      const kept = join(clone.state, 'state', 'registry');
      const before = readdirSync(kept);
      await succeed(['up']);
      assert.ok(before.length > 0 && before.every((name) => existsSync(join(kept, name))));
      assert.equal((await status()).number, 1);
    });
  });

  it('knows its processes by name: orrery logs refuses others and numbers that are none', async () => {
    const unknown = await orrery(['logs', 'scorring']);
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /no process scorring\n {2}did you mean scoring\?/);
    const number = await orrery(['logs', 'scoring', '--lines', 'many']);
    assert.equal(number.code, 2);
    assert.match(number.stderr, /--lines is "many"/);
    const deployer = await succeed(['logs', 'deployer', '--lines', '500']);
    assert.match(deployer.stdout, /"msg":"the environment is up"/);
  });
});

function bothOf(step: string): string[] {
  return [`${step} started`, `${step} done`];
}
