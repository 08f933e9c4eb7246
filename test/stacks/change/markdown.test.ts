import assert from 'node:assert/strict';
import fc from 'fast-check';
import { micromark } from 'micromark';
import { gfm, gfmHtml } from 'micromark-extension-gfm';
import type { Change } from '#stacks/change/change.ts';
import { compare } from '#stacks/change/compare.ts';
import { formatMarkdown, markdownMax } from '#stacks/change/markdown.ts';
import { formatTerminal } from '#stacks/change/terminal.ts';
import type { GraphResource } from '#stacks/render/graph.ts';
import { withInput } from './corpus/case.ts';
import { resource } from './corpus/graph.ts';
import { baseWorld, contextOf, sideOf, type World } from './corpus/world.ts';

const reproduce = 'npx orrery preview prod';

function previewOf(change: (world: World) => Partial<World>): Change {
  const [before, after] = [baseWorld(), baseWorld()];
  const head = { ...after, ...change(after) };
  return compare(sideOf(before, 'prod'), sideOf(head, 'working tree'), contextOf(before, head));
}

/** Puts a text wherever something from outside is shown: names, paths, types, values, rules, tools, definitions. */
function everywhere(text: string): Change {
  return previewOf((world) => {
    const { release } = world;
    const scoring = release.services['scoring'] ?? assert.fail();
    release.services[`s${text}`] = structuredClone(scoring);
    scoring.definitions = { [`workflows/${text}.yaml`]: release.prices.list };
    scoring.own = scoring.bundle;
    scoring.manifest.description = text;
    release.live = { [`m${text}`]: release.prices.list };
    release.secrets.push(text);
    release.data.topics[text] = { schema: release.prices.list, producers: [], consumers: [] };
    release.data.clickhouse[text] = { text: release.prices.list, phase: 'contract' };
    release.policies.rules.push(text);
    release.toolchain.providers[text] = { version: text, integrity: text };
    const graph = withInput(world.graph, 'scoring-deployment', 'spec.replicas', text).concat(
      resource('aws:s3/bucket:Bucket', text, { inputs: { bucket: text } }),
      resource(`aws:${text}`, `other ${text}`),
    );
    return { graph: graph.filter(({ name }) => name !== 'key'), settings: { [text]: text, gpuMax: text } };
  });
}

function htmlOf(markdown: string): string {
  return micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
}

/** Every tag but those of code, sorted as rows are by what they say: what the comment is made of. */
function skeletonOf(html: string): string[] {
  const tags = [...html.matchAll(/<[^>]*>/g)].map(([tag]) => tag);
  return tags.filter((tag) => !/^<.?code>$/.test(tag)).sort();
}

function outsideCode(html: string): string {
  return html.replace(/<code>[^<]*<\/code>/g, '');
}

const nasty = [
  '</details>',
  '<script>alert(1)</script>',
  '<!-- orrery:preview -->',
  '@everyone',
  '[text](https://evil.example)',
  '![x](https://evil.example/x.png)',
  'https://evil.example',
  'www.evil.example',
  '`',
  '``` ```',
  '|',
  '\\|',
  '\\',
  '\n\n# heading\n\n- item',
  '\r\n',
  '\u202egnp.exe',
  '\u200b',
  '\u2066',
  '\u0000',
  '\u001b[31m',
  '&lt;b&gt;',
  '**bold**',
  '~~gone~~',
  ':tada:',
  '#1',
  'a@b.example',
  '$$x$$',
  '\ud800',
  '\u{e0041}',
  '',
  ' ',
];

describe('a preview as a comment', () => {
  it('begins with its marker and has the verdict in the first five lines', () => {
    const markdown = formatMarkdown([everywhere('x')], { reproduce });
    const lines = markdown.split('\n');
    assert.equal(lines[0], '<!-- orrery:preview -->');
    assert.ok(
      lines.slice(0, 5).some((line) => line.startsWith('**BLOCKED**')),
      lines.slice(0, 5).join('\n'),
    );
  });

  it('shows what of the stateful is in danger open, before anything folded', () => {
    const markdown = formatMarkdown([everywhere('x')], { reproduce });
    const [stateful, folded] = [markdown.indexOf('#### Stateful'), markdown.indexOf('<details>')];
    assert.ok(stateful > 0 && stateful < folded, `${stateful} ${folded}`);
    assert.match(markdown, /- `−` `key`: `aws:kms\/key:Key` deleted: `it is no longer in the program`; protected/);
  });

  it('keeps everything from outside inert, whatever it is', () => {
    const harmless = skeletonOf(htmlOf(formatMarkdown([everywhere('canaryharmless')], { reproduce })));
    const canary = 'canary';
    const anything = fc.oneof(
      fc.constantFrom(...nasty),
      fc.array(fc.constantFrom(...nasty, 'word', ' '), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 30 }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const well = text.toWellFormed();
        const html = htmlOf(formatMarkdown([everywhere(`${canary}${well}`)], { reproduce }));
        assert.deepEqual(skeletonOf(html), harmless);
        const outside = outsideCode(html);
        assert.doesNotMatch(outside, new RegExp(canary));
        assert.doesNotMatch(outside, /@|https?:|evil/);
      }),
      { numRuns: 150, examples: nasty.map((text) => [text]) },
    );
  });

  it('shows nothing that a reader can not see, in a terminal neither', () => {
    const text = 'a\u202eb\u200bc\u001b[31md\u0000e\nf';
    const change = everywhere(text);
    const outputs = [formatMarkdown([change], { reproduce }), formatTerminal(change, { color: false, plain: true })];
    for (const output of outputs) {
      assert.doesNotMatch(output, /[^\P{C}\n]/u);
      assert.ok(output.includes('a\\u{202e}b\\u{200b}c\\u{1b}[31md\\u{0}e\\nf'), output.slice(0, 400));
    }
  });

  it('is never longer than a comment may be, and counts what it leaves out', () => {
    const many = (number: number): GraphResource[] =>
      Array.from({ length: number }, (_, index) =>
        resource('kubernetes:apps/v1:Deployment', `deployment-${index}-${'n'.repeat(100)}`, {
          inputs: {
            spec: { replicas: index, text: `${index} ${'v'.repeat(200)}`, other: `${index}-${'w'.repeat(150)}` },
          },
        }),
      );
    const [before, after] = [baseWorld(), baseWorld()];
    const changed = many(4000).map((one, index) => ({
      ...one,
      inputs: { spec: { replicas: index + 7, text: `${index}` } },
    }));
    const [base, head] = [
      sideOf({ ...before, graph: many(4000) }, 'prod'),
      sideOf({ ...after, graph: changed }, 'working tree'),
    ];
    const change = compare(base, head, contextOf(before, after));
    const markdown = formatMarkdown([change, change, change], { reproduce });
    assert.equal(change.counts.updates, 4000);
    assert.ok(markdown.length <= markdownMax, `${markdown.length} characters`);
    assert.ok(markdown.length > markdownMax / 2, `${markdown.length} characters`);
    assert.match(markdown, /and [\d,]+ rows more/);
    assert.match(markdown, /[\d,]+ rows left out here for length/);
    assert.match(markdown, /npx orrery preview prod`/);
  });

  it('is never longer for four thousand that are stateful, or deleted, or blocked', () => {
    const buckets = Array.from({ length: 4000 }, (_, index) =>
      resource('aws:s3/bucket:Bucket', `bucket-${index}-${'n'.repeat(100)}`),
    );
    for (const [base, head] of [
      [buckets, []],
      [[], buckets],
    ]) {
      const [before, after] = [baseWorld(), baseWorld()];
      const change = compare(
        sideOf({ ...before, graph: base ?? [] }, 'prod'),
        sideOf({ ...after, graph: head ?? [] }, 'working tree'),
        contextOf(before, after),
      );
      const markdown = formatMarkdown([change], { reproduce });
      assert.ok(markdown.length <= markdownMax, `${markdown.length} characters`);
      assert.match(markdown, /bucket-0-/);
      assert.ok(htmlOf(markdown).endsWith('</p>\n') || htmlOf(markdown).endsWith('</p>'));
    }
  });

  it('tells what is the same in two environments once', () => {
    const change = previewOf((world) => {
      world.release.toolchain.node = '24.22.0';
      return {};
    });
    const other: Change = { ...change, environment: 'dev' };
    const markdown = formatMarkdown([change, other], { reproduce });
    assert.equal(markdown.split('24.22.0').length - 1, 1);
    assert.match(markdown, /the same as `prod`/);
  });
});
