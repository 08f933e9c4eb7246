import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, digestOfBytes } from '@orrery/contracts/digest';
import { readDefinition } from '@orrery/contracts/definition';
import type { Model } from '@orrery/contracts/definitions/model';
import type { Pair } from '@orrery/contracts/pair';
import { createFolderStore, type ObjectStore } from '@orrery/kit/store';
import { formatCard, writeCard } from '#services/registry/src/card.ts';
import { readKept } from '#services/registry/src/documents.ts';
import { judge, type Registration } from '#services/registry/src/registrations.ts';

const definitionFile = 'definitions/models/arrival-delay.yaml';

function readModel(): Model {
  const read = readDefinition(readFileSync(definitionFile, 'utf8'), definitionFile);
  assert.ok(read.ok && read.value.kind === 'Model');
  return read.value;
}

const interval = (low: number, high: number) => ({ point: (low + high) / 2, low, high });
const baseline = (kind: string, high: number) => ({
  kind,
  rmse: 36,
  mae: 20,
  squaredErrorDifference: interval(-90, high),
  beats: high < 0,
});
const metrics = {
  metric: 'rmse',
  unit: 'minutes',
  model: { rmse: 35.5, mae: 19 },
  split: { train: { rows: 2000 }, test: { rows: 500 } },
  baselines: [baseline('mean', -20), { ...baseline('group-mean', -10), by: ['origin', 'scheduled_hour'] }],
};
const onnx = 'the export';
const spec = '{"schema":1}';
const parity = {
  rows: Array.from({ length: 1000 }, () => [1]),
  predictions: Array.from({ length: 1000 }, () => 1),
  tolerance: 0.001,
  maxDifference: 0.00001,
  certifies: { 'model.onnx': digestOfBytes(onnx), 'spec.json': digestOfBytes(spec) },
};

describe('the registration of a pair', () => {
  const definition = readModel();
  const by = { tenant: 'main', model: { definition, digest: digestOf('definition', definition) }, parityRowsMin: 1000 };
  let folder: string;
  let store: ObjectStore;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-registrations-'));
    store = createFolderStore(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function registration(
    left: { metrics?: object; parity?: object; featureSet?: string } = {},
  ): Promise<Registration> {
    const keep = async (content: string) => (await store.put(content)).digest;
    const outputs = {
      'model.onnx': await keep(onnx),
      'spec.json': await keep(spec),
      'metrics.json': await keep(JSON.stringify(left.metrics ?? metrics)),
      'parity.json': await keep(JSON.stringify(left.parity ?? parity)),
      'profile.json': await keep('{}'),
    };
    const fingerprint = digestOf('feature-set', {});
    const dataset = await keep('the dataset');
    return {
      model: definition.name,
      training: { outputs, program: digestOf('bundle', {}) },
      dataset: {
        featureSet: left.featureSet ?? 'flight-delay',
        fingerprint,
        dataset,
        rows: 2500,
        from: '2001-01-29',
        to: '2001-06-30',
      },
    };
  }

  it('finds nothing against a pair whose evidence holds, and names it by what it is', async () => {
    const first = await judge(store, await registration(), by);
    assert.deepEqual(first.reasons, []);
    const document = await readKept<Pair>(store, first.pair);
    assert.equal(digestOf('pair', document), first.pair);
    assert.equal((await judge(store, await registration(), by)).pair, first.pair);
  });

  const refused: [what: string, left: Parameters<typeof registration>[0], reason: RegExp][] = [
    [
      'does not beat a baseline',
      { metrics: { ...metrics, baselines: [metrics.baselines[0], baseline('group-mean', 3)] } },
      /does not beat group-mean: the interval is \[-90, 3\]/,
    ],
    [
      'was not measured against every baseline',
      { metrics: { ...metrics, baselines: [metrics.baselines[0]] } },
      /1 baselines were not measured/,
    ],
    ['has a certificate over too few rows', { parity: { ...parity, rows: [[1]] } }, /covers 1 rows, 1000 are asked/],
    [
      'has a certificate of another export',
      { parity: { ...parity, certifies: { ...parity.certifies, 'model.onnx': digestOfBytes('other') } } },
      /of another export/,
    ],
    [
      'differs from the trained model',
      { parity: { ...parity, maxDifference: 0.5, tolerance: 1 } },
      /differs from the trained model by 0\.5, 0\.001 is tolerated/,
    ],
    ['was trained on another feature set', { featureSet: 'other-set' }, /trained on other-set/],
  ];
  for (const [what, left, reason] of refused) {
    it(`has a reason against a pair that ${what}`, async () => {
      const { reasons } = await judge(store, await registration(left), by);
      assert.equal(reasons.length, 1);
      assert.match(reasons[0] ?? '', reason);
    });
  }

  it('refuses evidence that is missing or malformed, naming the file', async () => {
    const whole = await registration();
    const { 'model.onnx': _gone, ...others } = whole.training.outputs;
    await assert.rejects(judge(store, { ...whole, training: { ...whole.training, outputs: others } }, by), {
      code: 'EVIDENCE_INVALID',
      message: /left no model\.onnx/,
    });
    await assert.rejects(judge(store, await registration({ metrics: { metric: 'rmse' } }), by), {
      code: 'EVIDENCE_INVALID',
      message: /metrics\.json/,
    });
  });

  it('makes a card whose numbers all come from evidence, each beside its digest', async () => {
    const { pair, evidence } = await judge(store, await registration(), by);
    const card = writeCard(pair, await readKept<Pair>(store, pair), definition, evidence);
    const text = formatCard(card);
    assert.match(text, /rmse on the test days: 35\.5 minutes over 500 rows/);
    assert.match(text, /group-mean by origin x scheduled_hour \| 36 \| -50 \[-90, -10\] \| yes/);
    for (const digest of [card.evidence.metrics, card.evidence.parity, card.lineage.dataset, pair])
      assert.ok(text.includes(digest));
  });
});
