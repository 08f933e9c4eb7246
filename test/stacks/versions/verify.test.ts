import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addonPublisher, enginePublisher } from '#stacks/versions/aws.ts';
import { chartPublisher } from '#stacks/versions/chart-repositories.ts';
import { readVersions, versionsFile, writeVersions, type PinnedVersions } from '#stacks/versions/pinned-versions.ts';
import { imagePublisher } from '#stacks/versions/registries.ts';
import { verifyVersions, type Outcome } from '#stacks/versions/verify.ts';

const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const unseen = { verified: false, source: 'from memory, 2026-11-21' };

/** A registry that gives its token to anybody, and a repository of charts. */
function publish(): Server {
  return createServer((request, response) => {
    const { url = '', headers } = request;
    if (url.startsWith('/token')) {
      response.end(JSON.stringify({ token: url.includes('scope=repository') ? 'let me in' : '' }));
    } else if (url.startsWith('/charts/index.yaml')) {
      response.end(`entries:\n  keda:\n    - {version: 2.18.1, digest: ${'a'.repeat(64)}}\n    - {version: 2.17.0}\n`);
    } else if (headers.authorization !== 'Bearer let me in') {
      const realm = `Bearer realm="http://${headers.host ?? ''}/token",service="registry",scope="repository:pull"`;
      response.writeHead(401, { 'www-authenticate': realm }).end();
    } else if (url === '/v2/library/thing/manifests/1.0') {
      response.writeHead(200, { 'docker-content-digest': digest('b') }).end();
    } else response.writeHead(404).end();
  });
}

describe('verifying the versions of other people’s software', () => {
  let publisher: Server;
  let host: string;

  before((done) => {
    publisher = publish().listen(0, '127.0.0.1', () => {
      host = `127.0.0.1:${(publisher.address() as AddressInfo).port}`;
      done();
    });
  });
  after(() => publisher.close());

  function verify(versions: Record<string, unknown>, aws: (words: readonly string[]) => Promise<string> = refuse) {
    const options = { fetch: globalThis.fetch, scheme: 'http' as const };
    const publishers = [
      chartPublisher(options),
      imagePublisher(options),
      addonPublisher(aws, '1.34'),
      enginePublisher(aws),
    ];
    return verifyVersions({ kubernetes: '1.34', ...versions }, publishers, '2026-11-22');
  }
  const refuse = () => Promise.reject(new Error('no aws here'));
  const states = (outcomes: readonly Outcome[]) =>
    outcomes.map(({ place, state, reason }) => [place.name, state, reason]);

  it('marks what its publisher has, with its digest, the place and the day', async () => {
    const charts = {
      keda: { repository: `http://${host}/charts`, chart: 'keda', version: '2.18.1', digest: null, ...unseen },
    };
    const images = { thing: { repository: `${host}/library/thing`, version: '1.0', digest: digest('b'), ...unseen } };
    const outcomes = await verify({ charts, images });
    assert.deepEqual(
      outcomes.map(({ entry, state }) => [state, entry.digest, entry.verified, entry.source]),
      [
        ['verified', digest('a'), true, `http://${host}/charts, 2026-11-22`],
        ['verified', digest('b'), true, `${host}/library/thing, 2026-11-22`],
      ],
    );
  });

  it('never takes other bytes under a known version for the pinned ones', async () => {
    const images = { thing: { repository: `${host}/library/thing`, version: '1.0', digest: digest('c'), ...unseen } };
    const [outcome] = await verify({ images });
    assert.equal(outcome?.state, 'differs');
    assert.match(outcome.reason, /pinned sha256:c{64}, but its publisher now has sha256:b{64} under 1\.0/);
  });

  it('names the nearest chart and version where there is none of that name', async () => {
    const chart = { repository: `http://${host}/charts`, digest: null, ...unseen };
    const outcomes = await verify({
      charts: {
        keada: { ...chart, chart: 'keada', version: '2.18.1' },
        keda: { ...chart, chart: 'keda', version: '2.18.2' },
      },
      images: { thing: { repository: `${host}/library/thing`, version: '9.9', digest: null, ...unseen } },
    });
    assert.deepEqual(states(outcomes), [
      ['keada', 'wrong', `http://${host}/charts has no chart "keada", did you mean "keda"?`],
      ['keda', 'wrong', 'keda has no version 2.18.2, near it is 2.18.1'],
      ['thing', 'wrong', `${host}/library/thing has no tag 9.9`],
    ]);
  });

  it('asks AWS for addons of the cluster’s version and for engines', async () => {
    const asked: string[] = [];
    const aws = (words: readonly string[]) => {
      asked.push(words.slice(0, 6).join(' '));
      return Promise.resolve(words[0] === 'eks' ? '["v1.0.0-eksbuild.1"]' : '["7.2", "8.1"]');
    };
    const outcomes = await verify(
      {
        addons: { coredns: { version: 'v1.0.0-eksbuild.1', ...unseen } },
        engines: { valkey: { version: '8.2', ...unseen } },
      },
      aws,
    );
    assert.deepEqual(asked[0], 'eks describe-addon-versions --addon-name coredns --kubernetes-version 1.34');
    assert.deepEqual(states(outcomes), [
      ['coredns', 'verified', ''],
      ['valkey', 'wrong', 'no 8.2; valkey is there in 7.2, 8.1'],
    ]);
  });

  it('leaves what can not be asked as it was, and says why', async () => {
    const outcomes = await verify({
      addons: { coredns: { version: 'v1.0.0-eksbuild.1', ...unseen } },
      charts: { keda: { repository: 'http://127.0.0.1:9', chart: 'keda', version: '1', digest: null, ...unseen } },
      moons: { io: { version: '1', ...unseen } },
    });
    assert.deepEqual(
      outcomes.map(({ state, entry }) => [state, entry.verified]),
      [
        ['unasked', false],
        ['unasked', false],
        ['unasked', false],
      ],
    );
    assert.match(outcomes[0]?.reason ?? '', /no aws here/);
  });
});

describe('the file of pinned versions', () => {
  it('keeps everything but what was verified, in its order', () => {
    const root = mkdtempSync(join(tmpdir(), 'orrery-versions-'));
    const file = join(root, versionsFile);
    mkdirSync(join(root, 'infra/planning'), { recursive: true });
    const charts = { b: { version: '1', ...unseen }, a: { version: '2', ...unseen } };
    writeFileSync(file, `${JSON.stringify({ kubernetes: '1.34', charts }, null, 2)}\n`);
    const versions: PinnedVersions = readVersions(root);
    const entry = { version: '2', verified: true, source: 'there, 2026-11-22' };
    writeVersions(root, versions, [[{ group: 'charts', name: 'a' }, entry]]);
    const expected = { kubernetes: '1.34', charts: { b: charts.b, a: entry } };
    assert.equal(readFileSync(file, 'utf8'), `${JSON.stringify(expected, null, 2)}\n`);
    rmSync(root, { recursive: true });
  });

  it('is told by name when it can not be read', () => {
    assert.throws(() => readVersions('/nowhere'), { code: 'VERSIONS_UNREADABLE' });
  });
});
