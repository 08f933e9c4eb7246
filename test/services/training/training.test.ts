import { loadOnnx } from '#services/scoring/src/onnx.ts';
import { encodeRows, readSpec } from '#services/scoring/src/encoding.ts';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repository, runPython, trainer } from './interpreter.ts';

const suite = path.join(import.meta.dirname, 'python');
const flights = path.join(repository, 'node_modules/vega-datasets/data/flights-3m.parquet');
const evidence = ['metrics.json', 'model.onnx', 'parity.json', 'profile.json', 'spec.json'];
const withSuite = { PYTHONPATH: `${trainer}${path.delimiter}${suite}`, PYTHONDONTWRITEBYTECODE: '1' };

interface Result {
  readonly rows: { readonly read: number; readonly train: number; readonly fitted: number; readonly test: number };
  readonly metrics: {
    readonly model: { readonly rmse: number };
    readonly baselines: readonly {
      readonly rmse: number;
      readonly squaredErrorDifference: { readonly high: number };
    }[];
  };
  readonly gates: readonly { readonly gate: string; readonly verdict: string }[];
  readonly files: Readonly<Record<string, { readonly digest: string; readonly bytes: number }>>;
  readonly inputs: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
}

type Definition = Record<string, unknown> & {
  features: { name: string; type: string }[];
  parameters: Record<string, unknown>;
  split: { test: { from: string } };
};

function digestOf(file: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`;
}

function readJson(...parts: string[]): unknown {
  return JSON.parse(readFileSync(path.join(...parts), 'utf8'));
}

function resultOf(workspace: string): Result {
  return readJson(workspace, 'out/result.json') as Result;
}

function train(workspace: string, env: NodeJS.ProcessEnv = {}) {
  return runPython(['-m', 'orrery_training', '--workspace', workspace], { cwd: trainer, env });
}

describe('the training service', function () {
  this.timeout(180_000);
  this.slow(30_000);

  const scratch = mkdtempSync(path.join(tmpdir(), 'orrery-training-'));
  const trained = path.join(scratch, 'trained');
  let copies = 0;

  /** A workspace with the inputs of the trained one. */
  function copyOf(change: (definition: Definition) => void = () => undefined): string {
    const workspace = path.join(scratch, `copy-${(copies += 1)}`);
    cpSync(path.join(trained, 'in'), path.join(workspace, 'in'), { recursive: true });
    const definition = readJson(workspace, 'in/model.json') as Definition;
    change(definition);
    writeFileSync(path.join(workspace, 'in/model.json'), JSON.stringify(definition));
    return workspace;
  }

  before(async () => {
    const made = await runPython([path.join(suite, 'synthetic.py'), trained], { cwd: trainer, env: withSuite });
    assert.equal(made.code, 0, made.stderr);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('passes its own suite', async () => {
    const args = ['-m', 'unittest', 'discover', '-s', suite];
    const { code, stderr } = await runPython(args, {
      cwd: trainer,
      env: { ...withSuite, PYTHONHASHSEED: '0', OMP_WAIT_POLICY: 'passive' },
    });
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Ran \d{2,} tests/m);
  });

  it('needs nothing from the environment, and tells each stage in one line of JSON', async () => {
    const { code, stdout, stderr } = await train(trained);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\n');
    const stages = lines.map((line) => JSON.parse(line) as { stage: string; message: string });
    assert.deepEqual(
      stages.map(({ stage }) => stage),
      ['read', 'fit', 'export', 'parity', 'evaluate', 'profile', 'done'],
    );
    assert.match(stages.at(-1)?.message ?? '', /^rmse 4\.\d+ minutes .* parity pass, beatsBaselines pass$/);
  });

  it('leaves the evidence and a short summary with the digest of each file', () => {
    const out = path.join(trained, 'out');
    assert.deepEqual(readdirSync(out).sort(), [...evidence, 'result.json', 'timings.json'].sort());
    const { files, inputs, versions } = resultOf(trained);
    assert.deepEqual(Object.keys(files).sort(), evidence);
    for (const [name, { digest, bytes }] of Object.entries(files)) {
      assert.equal(digest, digestOf(path.join(out, name)), name);
      assert.equal(bytes, readFileSync(path.join(out, name)).length, name);
    }
    assert.equal(inputs['dataset'], digestOf(path.join(trained, 'in/dataset.parquet')));
    assert.equal(inputs['model'], digestOf(path.join(trained, 'in/model.json')));
    assert.ok(readFileSync(path.join(out, 'result.json')).length <= 8 * 1024);
    assert.deepEqual(Object.keys(versions).sort(), [
      'numpy',
      'onnx',
      'onnxruntime',
      'pyarrow',
      'python',
      'scikit-learn',
    ]);
  });

  it('certifies exactly the model and the specification that it leaves', () => {
    const { certifies } = readJson(trained, 'out/parity.json') as { certifies: Record<string, string> };
    const { files } = resultOf(trained);
    assert.deepEqual(certifies, {
      'model.onnx': files['model.onnx']?.digest,
      'spec.json': files['spec.json']?.digest,
    });
  });

  it('gives the same bytes in another folder, time zone, language and hash seed', async () => {
    const again = copyOf();
    cpSync(path.join(trained, 'in/model.json'), path.join(again, 'in/model.json'));
    const { code, stderr } = await train(again, {
      PYTHONHASHSEED: '4711',
      OMP_NUM_THREADS: '1',
      TZ: 'Asia/Tokyo',
      LANG: 'tr_TR.UTF-8',
      HOME: scratch,
    });
    assert.equal(code, 0, stderr);
    for (const name of [...evidence, 'result.json']) {
      assert.equal(digestOf(path.join(again, 'out', name)), digestOf(path.join(trained, 'out', name)), name);
    }
  });

  it('is answered alike by the code and the runtime that serve it', async () => {
    const spec = readSpec('this pair', readJson(trained, 'out/spec.json'));
    const { columns, rows, predictions, tolerance } = readJson(trained, 'out/parity.json') as {
      columns: string[];
      rows: unknown[][];
      predictions: number[];
      tolerance: number;
    };
    assert.equal(rows.length, 1000);
    const named = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
    const predictor = await loadOnnx('this pair', readFileSync(path.join(trained, 'out/model.onnx')), 1);
    const answers = await predictor.run(encodeRows(spec, named), rows.length, columns.length);
    await predictor.close();
    const differences = predictions.map((expected, index) => Math.abs((answers[index] ?? Number.NaN) - expected));
    assert.ok(Math.max(...differences) <= tolerance / 10, `largest difference ${Math.max(...differences)}`);
  });

  describe('answers a mistake with exit code 2 and one line that says what to do', () => {
    const mistakes: [name: string, line: RegExp, make: () => string][] = [
      [
        'a parameter that there is not',
        /^in\/model\.json: parameters\.max_itre is not a key: rename it or remove it; the nearest is "max_iter"/,
        () => copyOf(({ parameters }) => (parameters['max_itre'] = 5)),
      ],
      [
        'a test period that does not follow the training period',
        /^in\/model\.json: split\.test\.from is "2001-04-01", not after split\.train\.to "2001-04-09": test on later days/,
        () => copyOf(({ split }) => (split.test.from = '2001-04-01')),
      ],
      [
        'a feature that the dataset lacks',
        /^in\/model\.json: features names "back_log", which in\/dataset\.parquet does not have: .*nearest is "backlog"/,
        () => copyOf(({ features }) => features.push({ name: 'back_log', type: 'number' })),
      ],
      [
        'the target among the features',
        /^in\/model\.json: features\[3\]\.name is "delay", the target: remove it/,
        () => copyOf(({ features }) => features.push({ name: 'delay', type: 'number' })),
      ],
      [
        'a dataset that is cut off',
        /^in\/dataset\.parquet is not a readable Parquet file/,
        () => {
          const workspace = copyOf();
          const file = path.join(workspace, 'in/dataset.parquet');
          writeFileSync(file, readFileSync(file).subarray(0, 20_000));
          return workspace;
        },
      ],
      [
        'a lineage that is no document',
        /^in\/lineage\.json is not a JSON object/,
        () => {
          const workspace = copyOf();
          writeFileSync(path.join(workspace, 'in/lineage.json'), '[1]');
          return workspace;
        },
      ],
      [
        'a workspace without a definition',
        /^in\/model\.json is missing: write the model definition there/,
        () => {
          const workspace = copyOf();
          rmSync(path.join(workspace, 'in/model.json'));
          return workspace;
        },
      ],
      ['a workspace that is none', /^--workspace has no folder in\//, () => path.join(scratch, 'nowhere')],
    ];
    for (const [name, line, make] of mistakes) {
      it(name, async () => {
        const workspace = make();
        const { code, stderr } = await train(workspace);
        assert.equal(code, 2, stderr);
        assert.match(stderr, line);
        assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
        assert.ok(!stderr.includes(scratch), 'the message tells a path of this machine');
        assert.ok(!existsSync(path.join(workspace, 'out/result.json')));
      });
    }

    it('an argument that there is not', async () => {
      const { code, stderr } = await runPython(['-m', 'orrery_training', '--workspce', 'x'], { cwd: trainer });
      assert.equal(code, 2);
      assert.match(stderr, /^.*: type python -m orrery_training --workspace DIR\n$/);
    });
  });

  it('takes away what an earlier run left before it reads, so that a failed run is never taken for a model', async () => {
    const workspace = copyOf();
    assert.equal((await train(workspace)).code, 0);
    writeFileSync(path.join(workspace, 'in/dataset.parquet'), 'no dataset');
    assert.equal((await train(workspace)).code, 2);
    assert.deepEqual(readdirSync(path.join(workspace, 'out')), []);
  });

  it('ends with exit code 1 when the machine is at fault', async () => {
    const workspace = copyOf();
    writeFileSync(path.join(workspace, 'out'), 'a file where the folder belongs');
    const { code, stderr } = await train(workspace);
    assert.equal(code, 1);
    assert.match(stderr, /FileExistsError|NotADirectoryError/);
  });

  it('beats the mean and the mean of origin and hour on the real flights of June', async () => {
    const workspace = path.join(scratch, 'flights');
    mkdirSync(path.join(workspace, 'in'), { recursive: true });
    const dataset = path.join(workspace, 'in/dataset.parquet');
    const made = await runPython([path.join(suite, 'flights.py'), flights, dataset], { cwd: trainer, env: withSuite });
    assert.equal(made.code, 0, made.stderr);
    cpSync(path.join(suite, 'fixtures/arrival-delay.json'), path.join(workspace, 'in/model.json'));
    const { code, stderr } = await train(workspace);
    assert.equal(code, 0, stderr);
    const { rows, metrics, gates } = resultOf(workspace);
    assert.deepEqual(rows, {
      read: 3_000_000,
      train: 2_039_393,
      fitted: 200_000,
      test: 502_199,
      outsideSplit: 458_408,
    });
    assert.deepEqual(
      gates.map(({ gate, verdict }) => `${gate} ${verdict}`),
      ['parity pass', 'beatsBaselines pass'],
    );
    assert.deepEqual(
      metrics.baselines.map(({ rmse }) => rmse.toFixed(3)),
      ['36.703', '36.342'],
    );
    assert.ok(metrics.model.rmse < 35.7, `rmse ${metrics.model.rmse}`);
    assert.ok(metrics.baselines.every(({ squaredErrorDifference }) => squaredErrorDifference.high < 0));
  });
});

describe('the lock of the training service', () => {
  const lock = readFileSync(path.join(trainer, 'requirements.lock'), 'utf8');

  it('names every package in one version, by hashes, and no address', () => {
    const packages = lock.split(/^(?=[a-z])/m).filter((entry) => /^[a-z]/.test(entry));
    assert.ok(packages.length >= 10);
    for (const entry of packages) {
      assert.match(entry, /^[a-z0-9-]+==[0-9][0-9a-z.]* /, entry.slice(0, 40));
      assert.match(entry, /--hash=sha256:[0-9a-f]{64}/, entry.slice(0, 40));
    }
    assert.doesNotMatch(lock, /:\/\/|--(extra-)?index-url|--find-links/);
  });

  it('holds every version that requirements.in asks for', () => {
    const asked = readFileSync(path.join(trainer, 'requirements.in'), 'utf8').match(/^[a-z].*$/gm) ?? [];
    assert.ok(asked.length >= 5);
    for (const pin of asked) assert.ok(lock.includes(`\n${pin} `) || lock.startsWith(`${pin} `), pin);
  });
});
