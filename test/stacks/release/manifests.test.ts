import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceManifest } from '@orrery/contracts/service-manifest';
import { readDefinitions, readManifests } from '#stacks/release/manifests.ts';

const manifest = (name: string, port: number, more: Record<string, unknown> = {}) => ({
  name,
  description: name,
  runtime: 'node',
  ports: { http: { default: port } },
  consumes: [],
  produces: [],
  keySpaces: [],
  definitions: [],
  native: [],
  peers: [],
  resources: { cpu: 1, memoryMiB: 64 },
  probes: {},
  stateful: false,
  scaling: 'none',
  ...more,
});

describe('the manifests of services', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'orrery-manifests-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function write(...manifests: Record<string, unknown>[]): void {
    for (const one of manifests) {
      const folder = join(root, 'services', String(one['name']));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'service.yaml'), JSON.stringify(one));
    }
  }

  it('are read in the order of their names', () => {
    write(manifest('b', 11), manifest('a', 10));
    assert.deepEqual(
      readManifests(root).map((one) => one.name),
      ['a', 'b'],
    );
  });

  it('are refused together with all that is wrong: ports that two have, unknown peers, unknown keys', () => {
    write(manifest('a', 10), manifest('b', 10), manifest('c', 1), manifest('d', 13, { peers: ['nobody'] }));
    write(manifest('e', 14, { stateless: true }));
    assert.throws(
      () => readManifests(root),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'DEFINITION_INVALID');
        assert.match(error.message, /services\/b\/service\.yaml has port offset 10, which belongs to a/);
        assert.match(
          error.message,
          /services\/c\/service\.yaml has port offset 1, which belongs to the environment itself/,
        );
        assert.match(error.message, /services\/d\/service\.yaml names the unknown peer "nobody"/);
        assert.match(error.message, /services\/e\/service\.yaml:1:\d+ unknown key "stateless"/);
        return true;
      },
    );
  });

  it('are refused where a key stands twice, with line and column, as are definitions', () => {
    write(manifest('a', 10));
    writeFileSync(join(root, 'services/a/service.yaml'), 'name: a\nports: {}\nname: b\n');
    assert.throws(() => readManifests(root), {
      code: 'DEFINITION_INVALID',
      message: /services\/a\/service\.yaml:3:1 the key "name" stands here a second time/,
    });
    mkdirSync(join(root, 'definitions/models'), { recursive: true });
    writeFileSync(join(root, 'definitions/models/m.yaml'), 'kind: Model\nname: m\ntarget:\n  column: x\n  column: y\n');
    const reader = readManifestsOf(manifest('a', 10, { definitions: ['model'] }));
    assert.throws(() => readDefinitions(root, reader), {
      code: 'DEFINITION_INVALID',
      message: /definitions\/models\/m\.yaml:5:3 the key .* stands here a second time/,
    });
  });

  it('are refused with workflows that start each other', () => {
    mkdirSync(join(root, 'definitions/workflows'), { recursive: true });
    for (const [name, by] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      const head = `kind: Workflow\nschema: 1\nname: ${name}\nowner: people\ntriggers:\n  - workflow: ${by}\n`;
      const steps = 'steps:\n  - { name: s, uses: wait, with: { forMs: 1 } }\n';
      writeFileSync(join(root, `definitions/workflows/${name}.yaml`), head + steps);
    }
    const reader = readManifestsOf(manifest('o', 10, { definitions: ['workflow'] }));
    assert.throws(() => readDefinitions(root, reader), {
      code: 'DEFINITION_INVALID',
      message: [
        'definitions/workflows/a.yaml:6:5 these workflows start each other, without an end: a starts b starts a',
        '    take out one of these triggers: definitions/workflows/a.yaml:6:5, definitions/workflows/b.yaml:6:5',
      ].join('\n'),
    });
  });

  function readManifestsOf(one: Record<string, unknown>): ServiceManifest {
    write(one);
    const [read] = readManifests(root);
    assert.ok(read !== undefined);
    return read;
  }
});
