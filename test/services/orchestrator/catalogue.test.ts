import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { readCatalogue } from '#services/orchestrator/src/definitions.ts';

const surroundings = { peers: [], programs: [], nowMs: Date.UTC(2026, 0, 1) };

describe('the workflows that a release brings', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-catalogue-'));
    mkdirSync(join(folder, 'workflows'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, trigger: string) =>
    writeFileSync(
      join(folder, 'workflows', `${name}.yaml`),
      `kind: Workflow
schema: 1
name: ${name}
owner: people
triggers: [{ ${trigger} }]
steps:
  - { name: s, uses: wait, with: { forMs: 1 } }
`,
    );

  it('are refused once a later one closes the round of those that start each other', async () => {
    write('load', 'workflow: report');
    write('daily', 'cron: "0 6 * * *"');
    const catalogue = await readCatalogue(folder, surroundings);
    assert.deepEqual(
      catalogue.all().map(({ definition }) => definition.name),
      ['daily', 'load'],
    );
    write('report', 'workflow: load, on: failed');
    await assert.rejects(readCatalogue(folder, surroundings), {
      code: 'DEFINITIONS_INVALID',
      message: [
        '1 problems in the definitions:',
        'workflows/load.yaml:5:14 these workflows start each other, without an end: load starts report starts load',
        '    take out one of these triggers: workflows/load.yaml:5:14, workflows/report.yaml:5:14',
      ].join('\n'),
    });
  });
});
