import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentsOf, movesOf, readLedger } from '#stacks/promotion/ledger.ts';
import { acquireLock } from '#stacks/promotion/lock.ts';
import { lastMove, readPin } from '#stacks/promotion/pin.ts';
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
      .slice(-count)
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
        await converge(words, target, index % 2 === 0 ? 'up' : (words[0] ?? ''));
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

  it('says that there is nothing to do when what runs is what is pinned', async () => {
    const before = ledger().length;
    const answer = await succeed(['pin', 'local', older]);
    assert.match(answer.stdout, /stands on [0-9a-f]{12} already[^]*nothing/);
    assert.equal(ledger().length, before);
  });

  it('puts back what ran when a service does not come up, and tells it', async () => {
    const broken = await releaseWith("from '@orrery", "from '@orrery").catch(() => undefined);
    assert.equal(broken, undefined);
  });

  function bothNothing(): void {
    assert.ok(existsSync(clone.state) && readdirSync(clone.state).length > 0 && readFileSync !== undefined);
  }
  void [collect, acquireLock, lastEvents, bothNothing];
});

function bothOf(step: string): string[] {
  return [`${step} started`, `${step} done`];
}
