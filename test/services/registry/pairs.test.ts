import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFilePairLog, type LogEvent } from '#services/registry/src/pair-log.ts';
import { Pairs } from '#services/registry/src/pairs.ts';

const registered = (pair: string): LogEvent => ({
  kind: 'registered',
  pair,
  tenant: 'main',
  model: 'arrival-delay',
  stage: 'registered',
  reasons: [],
  actor: 'ada',
});
const live = (release: string, pair: string): LogEvent => ({
  kind: 'live',
  release,
  live: { 'arrival-delay': pair },
  actor: 'deployer',
});

describe('the stages of pairs', () => {
  const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
  const pairs = new Pairs();
  const events = [registered('a'), registered('b'), live('r1', 'a'), live('r2', 'b'), live('r3', 'a')];
  events.forEach((event, index) => {
    pairs.apply({ number: index + 1, previous: null, at: at(index), ...event });
  });

  it('follow what releases make live: the one before is archived, and live again after a rollback', () => {
    assert.deepEqual([pairs.get('a', 'main')?.stage, pairs.get('b', 'main')?.stage], ['live', 'archived']);
  });

  it('tell what was live at any moment, by which release and since when', () => {
    assert.deepEqual(pairs.liveAt(at(1)), {});
    assert.deepEqual(pairs.liveAt(at(2)), { 'arrival-delay': { pair: 'a', release: 'r1', since: at(2) } });
    assert.deepEqual(pairs.liveAt(at(3)), { 'arrival-delay': { pair: 'b', release: 'r2', since: at(3) } });
    assert.deepEqual(pairs.liveAt(at(9)), { 'arrival-delay': { pair: 'a', release: 'r3', since: at(4) } });
  });

  it('are seen by their own tenant only', () => {
    assert.equal(pairs.get('a', 'acme'), undefined);
    assert.deepEqual(pairs.list('acme'), []);
  });
});

describe('the log of pairs on a file', () => {
  let folder: string;
  let file: string;
  const now = () => new Date('2026-01-01T00:00:00.000Z');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-pairs-'));
    file = join(folder, 'pairs.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function written(...events: LogEvent[]): Promise<void> {
    const log = createFilePairLog(file, now);
    await log.open();
    await Promise.all(events.map((event) => log.append(event)));
    await log.close();
  }

  it('keeps every event through a restart, in the order in which they came', async () => {
    await written(registered('a'), registered('b'));
    await written(live('r1', 'a'));
    const entries = await createFilePairLog(file, now).open();
    assert.deepEqual(
      entries.map((entry) => [entry.number, entry.kind]),
      [
        [1, 'registered'],
        [2, 'registered'],
        [3, 'live'],
      ],
    );
  });

  it('cuts off a last line that was only half written', async () => {
    await written(registered('a'));
    appendFileSync(file, '{"number":2,"prev');
    await written(registered('b'));
    const entries = await createFilePairLog(file, now).open();
    assert.deepEqual(
      entries.map((entry) => entry.number),
      [1, 2],
    );
  });

  it('refuses a log in which a line was changed, naming the line after it', async () => {
    await written(registered('a'), registered('b'));
    writeFileSync(file, readFileSync(file, 'utf8').replace('"pair":"a"', '"pair":"x"'));
    await assert.rejects(createFilePairLog(file, now).open(), {
      code: 'REGISTRY_LOG_BROKEN',
      message: /:2 does not follow/,
    });
  });
});
