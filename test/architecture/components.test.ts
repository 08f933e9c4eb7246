import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { componentsPage, describeComponents, formatComponents } from '#infra/publish-docs.ts';
import { filesUnder, read } from './tree.ts';

const components = describeComponents();

describe('the components of infra', () => {
  it('are on the page of components as their comments describe them; `npm run docs` writes it', () => {
    assert.ok(components.length >= 12, `${components.length} components`);
    assert.equal(readFileSync(componentsPage, 'utf8'), formatComponents(components));
  });

  it('stand one in a file, and a test of their folder records each', () => {
    const files = components.map(({ file }) => file);
    assert.deepEqual([...new Set(files)], files);
    const untested = files.filter((file) => {
      const tests = filesUnder(`test/${path.posix.dirname(file)}`).filter((test) => test.endsWith('.test.ts'));
      return !tests.some((test) => read(test).includes(`'#${file}'`));
    });
    assert.deepEqual(untested, []);
  });

  it('are named after their folder, say what drives their cost and what they refuse', () => {
    for (const { file, name, type, header } of components) {
      assert.equal(type, `orrery:${file.split('/')[1] ?? ''}:${name}`);
      assert.match(header, /^Cost driver: /m, file);
      assert.match(header, /^Refuses/m, file);
    }
  });

  it('say of every argument what it means', () => {
    const silent = components.flatMap(({ name, args }) =>
      args.filter(({ text }) => text === '').map((field) => `${name}.${field.name}`),
    );
    assert.deepEqual(silent, []);
  });
});
