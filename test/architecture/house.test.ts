import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { publishedSchemas, schemaFolder } from '#services/contracts/src/publish-schemas.ts';
import { filesUnder, read, ROOT } from './tree.ts';

const LINES_MAX = 400;
/** What a person, a tool or the machine that tests us looks for by name. */
const FIXED_ENTRIES = [
  '.ci/run',
  '.npmrc',
  'CONTRIBUTING.md',
  'LICENSE',
  'Pulumi.dev.yaml',
  'Pulumi.prod.yaml',
  'Pulumi.yaml',
  'README.md',
  'definitions',
  'docs/decisions',
  'infra',
  'policies',
  'package-lock.json',
  'package.json',
  'services/contracts',
  'services/kit',
  'services/training',
  'stacks/cli/orrery.mjs',
  'stacks/platform.ts',
  'stacks/program.ts',
  'test',
];
const EMPTY_NAME = /^(utils?|utilities|helpers?|common|misc|shared|manager|base|index)(\.[a-z.]+)?$/;
const TEXT = /\.(ts|mjs|js|json|yaml|yml|md|lua|sql|py|sh|txt|in|lock|toml)$|(^|\/)[^./]+$/;

const files = filesUnder('.');
const texts = files.filter((file) => TEXT.test(file) && file !== 'package-lock.json');
const ours = files.filter((file) => /^(infra|services|policies|stacks)\//.test(file));
const ownName = 'test/architecture/house.test.ts';

function linesWith(pattern: RegExp, among: readonly string[] = texts): string[] {
  return among.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}`] : [])),
  );
}

describe('the house', () => {
  it('has its fixed entries', () => {
    assert.deepEqual(
      FIXED_ENTRIES.filter((entry) => !existsSync(path.join(ROOT, entry))),
      [],
    );
  });

  it('can run its continuous integration', () => {
    assert.equal(statSync(path.join(ROOT, '.ci/run')).mode & 0o111, 0o111);
    assert.equal(statSync(path.join(ROOT, 'stacks/cli/orrery.mjs')).mode & 0o111, 0o111);
  });

  it('is under the Apache License 2.0', () => {
    const license = read('LICENSE');
    assert.match(license, /^\s+Apache License\n\s+Version 2\.0, January 2004\n/);
    assert.match(license, /END OF TERMS AND CONDITIONS/);
    assert.equal((JSON.parse(read('package.json')) as { license: string }).license, 'Apache-2.0');
  });

  it(`has no source file over ${LINES_MAX} lines`, () => {
    const long = ours
      .filter((file) => /\.(ts|mjs|py|lua|sql)$/.test(file))
      .filter((file) => read(file).split('\n').length - 1 > LINES_MAX);
    assert.deepEqual(long, []);
  });

  it('has no file or folder whose name says nothing', () => {
    assert.deepEqual(
      files.filter((file) => file.split('/').some((part) => EMPTY_NAME.test(part))),
      [],
    );
  });

  it('names every version: nothing is the latest', () => {
    const configuration = texts.filter((file) => /\.(json|ya?ml)$/.test(file));
    const sources = ours.filter((file) => file.endsWith('.ts'));
    // As a value or an image's tag: a sentence, or Kafka's offset of that name, is no version.
    assert.deepEqual([...linesWith(/:\s*["']?latest\b/, configuration), ...linesWith(/[\w}]:latest\b/, sources)], []);
  });

  it('names no path of anybody’s machine', () => {
    const home = ['', 'home', '[a-z][a-z0-9_-]*', ''].join('/');
    const others = texts.filter((file) => file !== ownName);
    assert.deepEqual(linesWith(new RegExp(`(^|[^\\w.}])(${home}|/Users/|/root/|/work/)`), others), []);
  });

  it('gives a reason for every rule that a comment switches off', () => {
    const sources = files.filter((file) => /\.(ts|mjs|js)$/.test(file) && file !== ownName);
    assert.deepEqual(linesWith(/eslint-disable(?!.* -- )|@ts-(ignore|nocheck)/, sources), []);
  });

  it('leaves no test focused', () => {
    const tests = files.filter((file) => file.endsWith('.test.ts') && file !== ownName);
    assert.deepEqual(linesWith(/\b(it|describe)\.only\(/, tests), []);
  });

  it('heads every Lua function with what it takes and returns', () => {
    const scripts = ours.filter((file) => file.endsWith('.lua'));
    assert.deepEqual(
      scripts.filter((file) => !/^(#!lua [^\n]*\n)?--/.test(read(file))),
      [],
    );
  });
});

describe('definitions', () => {
  const definitions = files.filter((file) => /^definitions\/.*\.ya?ml$/.test(file));

  it('name the published schema of their kind, so that an editor checks them', () => {
    assert.ok(definitions.length > 0);
    const wrong = definitions.filter((file) => {
      const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(read(file))?.[1];
      const kind = /^kind: (\S+)$/m.exec(read(file))?.[1] ?? '';
      const named = `${kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase()}.json`;
      return (
        schema === undefined || path.basename(schema) !== named || !existsSync(path.join(ROOT, file, '..', schema))
      );
    });
    assert.deepEqual(wrong, []);
  });
});

describe('published schemas', () => {
  it('are what the types say; `npm run schemas` writes them', () => {
    const published = publishedSchemas();
    assert.deepEqual(readdirSync(schemaFolder).toSorted(), [...published.keys()].toSorted());
    for (const [file, text] of published) {
      assert.equal(read(`services/contracts/schema/${file}`), text, file);
    }
  });
});
