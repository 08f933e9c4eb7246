import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineEvents } from '#stacks/promotion/engine-events.ts';
import { keepExport, secretsInClear } from '#stacks/promotion/state-export.ts';

const urn = (name: string) => `urn:pulumi:dev::orrery::aws:s3/bucket:Bucket::${name}`;
const done = (op: string, name: string, more: object = {}) =>
  `${JSON.stringify({
    resOutputsEvent: { metadata: { op, urn: urn(name), type: 'aws:s3/bucket:Bucket', new: { custom: true } }, ...more },
  })}\n`;
const failed = (name: string) =>
  `${JSON.stringify({ resOpFailedEvent: { metadata: { op: 'update', urn: urn(name), type: 't' } } })}\n`;
const said = (severity: string, message: string, of = '') =>
  `${JSON.stringify({ diagnosticEvent: { urn: of, severity, message } })}\n`;

describe('the event log of the engine', () => {
  it('is added up by resource: a replacement, which has three steps, counts once', () => {
    const events = new EngineEvents();
    events.take(done('create', 'a') + done('same', 'b') + done('update', 'c') + done('delete', 'd'));
    events.take(done('create-replacement', 'e') + done('replace', 'e') + done('delete-replaced', 'e'));
    assert.deepEqual(events.resources, {
      created: 1,
      updated: 1,
      replaced: 1,
      deleted: 1,
      unchanged: 1,
      done: [urn('a'), urn('c'), urn('d'), urn('e')],
      failed: [],
    });
  });

  it('names what failed with its first reason, and does not count it as done', () => {
    const events = new EngineEvents();
    events.take(done('create', 'a') + failed('b') + said('error', 'no room\n', urn('b')) + done('update', 'b'));
    events.take(said('error', 'no room either', urn('b')) + said('warning', 'old', urn('a')) + failed('c'));
    assert.deepEqual(events.failures, [
      { urn: urn('b'), reason: 'no room' },
      { urn: urn('c'), reason: 'the engine gave no reason' },
    ]);
    assert.deepEqual([events.resources.done, events.resources.updated], [[urn('a')], 0]);
  });

  it('keeps apart what the program itself says', () => {
    const events = new EngineEvents();
    events.take(said('error', 'RENDER_DIFFERS: dev', 'urn:pulumi:dev::orrery::pulumi:pulumi:Stack::orrery-dev'));
    events.take(said('error', 'update failed'));
    assert.deepEqual(events.errors, ['RENDER_DIFFERS: dev', 'update failed']);
    assert.deepEqual(events.failures, []);
  });

  it('is read in any pieces, and a line that was cut off by a death tells nothing', () => {
    const events = new EngineEvents();
    const text = done('create', 'a') + done('create', 'b');
    for (const letter of text.slice(0, -1)) events.take(letter);
    assert.equal(events.resources.created, 1);
    events.take('\n');
    assert.equal(events.resources.created, 2);
    events.take('inite":3}}\n');
    assert.equal(events.resources.created, 2);
  });

  it('is told as it happens, but for what is only planned, unchanged, or a component', () => {
    const events = new EngineEvents();
    const lines: string[] = [];
    const component = { op: 'create', urn: urn('d'), type: 'orrery:x', new: { custom: false } };
    const text = [
      done('create', 'a', { planning: true }),
      done('same', 'b'),
      done('create', 'c'),
      `${JSON.stringify({ resOutputsEvent: { metadata: component } })}\n`,
      said('error', 'no room\nat all', urn('e')),
    ];
    events.take(text.join(''), (line) => lines.push(line));
    assert.deepEqual(lines, ['created aws:s3/bucket:Bucket c', 'failed e: no room']);
  });
});

describe('an exported state', () => {
  const signature = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };
  const state = (resource: object) => JSON.stringify({ version: 3, deployment: { resources: [resource] } });

  it('holds no secret in clear when each is ciphertext', () => {
    const encrypted = { ...signature, ciphertext: 'v1:abc' };
    const resource = { urn: 'u', inputs: { deep: [{ password: encrypted }] }, outputs: { result: encrypted } };
    assert.deepEqual(secretsInClear(state({ ...resource, additionalSecretOutputs: ['result', 'absent'] })), []);
  });

  it('names every secret in clear: as plaintext, as a value, empty, or declared secret and not wrapped', () => {
    const inClear = (value: object) => secretsInClear(state({ urn: 'u', inputs: { a: [{ b: value }] } }));
    for (const value of [
      { ...signature, plaintext: '"x"' },
      { ...signature, value: 'x' },
      { ...signature, ciphertext: '' },
      { ...signature, ciphertext: 'v1:abc', plaintext: '"x"' },
    ])
      assert.deepEqual(inClear(value), ['$.deployment.resources[0].inputs.a[0].b']);
    const declared = { urn: 'u', outputs: { result: 'x' }, additionalSecretOutputs: ['result'] };
    assert.deepEqual(secretsInClear(state(declared)), ['u result']);
  });

  it('stays when the number of its deployment is taken again, since its entries were lost', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-exports-'));
    const places = { root: folder, state: folder };
    const texts = ['v1:abc', 'v1:def'].map((ciphertext) => state({ inputs: { a: { ...signature, ciphertext } } }));
    const digests = texts.map((text) => keepExport(places, 'dev', 7, text));
    const kept = digests.map((digest) => join(folder, 'exports', 'dev', `7-${digest.slice(7, 19)}.json`));
    assert.deepEqual(
      kept.map((file) => readFileSync(file, 'utf8')),
      texts,
    );
    assert.equal((statSync(kept[0] ?? '').mode & 0o777).toString(8), '600');
    rmSync(folder, { recursive: true });
  });

  it('is not kept when it holds one', () => {
    const text = state({ urn: 'u', inputs: { a: { ...signature, plaintext: '"x"' } } });
    assert.throws(() => keepExport({ root: '/nowhere', state: '/nowhere' }, 'dev', 1, text), {
      code: 'STATE_IN_CLEAR',
      exitCode: 3,
    });
  });
});
