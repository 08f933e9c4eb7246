import assert from 'node:assert/strict';
import { CommandError } from '#stacks/errors.ts';
import { composePlatform } from '#stacks/platform.ts';
import { findProblems } from '#stacks/settings/check.ts';
import type { SettingsProblem } from '#stacks/settings/problem.ts';
import { cloudRelease, digestOfRelease, settingsOfFile } from '#test/support/cloud-release.ts';
import { record } from '#test/support/pulumi.ts';

/** Dotted path -> value; undefined takes the key away. */
type Change = Readonly<Record<string, unknown>>;
/** What is wrong; the environment whose file is right but for the change; where it is told, and a part of the reason. */
type Wrong = readonly [what: string, environment: string, change: Change, path: string, reason: string];

const types = (...families: string[]) => families.map((family) => `${family}.large`);
const twoFamilies = types('m5', 'm5a', 'm6i', 'm6a', 'm7i', 'm7a', 'c6i', 'c6a', 'c7i', 'c7a');
const statePod = { kind: 'statefulset', cpu: 0.5, memoryMiB: 1024, volumeGiB: 2 };
const msk = { kind: 'msk', brokers: 3, instanceType: 'kafka.m7g.large', volumeGiB: 100 };
const servers = { kind: 'servers', shards: 1, replicas: 1, keepers: 1, cpu: 1, memoryMiB: 2048, volumeGiB: 20 };
const tenant = { tier: 'standard', cpu: 1, memoryGiB: 1, gpus: 0, pods: 1, storageGiB: 0, administrators: ['people'] };

const form: readonly Wrong[] = [
  ['a key that is misspelt', 'dev', { regoin: 'eu-west-1' }, 'regoin', 'is no known key'],
  ['a key that is misspelt inside', 'dev', { 'network.nats': 'single' }, 'network.nats', 'is no known key'],
  ['a key that is missing', 'dev', { gpuMax: undefined }, 'gpuMax', 'is missing'],
  ['a key that is missing inside', 'prod', { 'store.lock.days': undefined }, 'store.lock.days', 'is missing'],
  ['a number in words', 'dev', { gpuMax: 'many' }, 'gpuMax', 'must be integer'],
  ['a part of a number', 'dev', { gpuMax: 1.5 }, 'gpuMax', 'must be integer'],
  ['a text for a map', 'dev', { network: '10.20.0.0/16' }, 'network', 'must be object'],
  ['a text for a list', 'dev', { 'network.zones': 'eu-west-1a' }, 'network.zones', 'must be array'],
  ['a word for true or false', 'dev', { 'spark.enabled': 'perhaps' }, 'spark.enabled', 'must be boolean'],
  ['a word that nobody knows', 'dev', { 'network.nat': 'perZone' }, 'network.nat', 'one of the allowed values'],
  ['a kind that nobody knows', 'dev', { 'kafka.kind': 'strimsi' }, 'kafka.kind', 'one of the allowed values'],
  ['a kind that is no word', 'dev', { 'gateway.kind': 3 }, 'gateway.kind', 'one of the allowed values'],
  ['a form without its kind', 'dev', { 'redis.state.kind': undefined }, 'redis.state.kind', 'is missing'],
  ['a field of another kind', 'dev', { 'kafka.instanceType': 'kafka.m7g.large' }, 'kafka.instanceType', 'no known key'],
  [
    'a kind of another target',
    'kubernetes',
    { 'redis.state.kind': 'elasticache' },
    'redis.state.kind',
    'must be equal',
  ],
  ['a target that nobody knows', 'dev', { target: 'gcp' }, 'target', 'one of the allowed values'],
  ['a target that is misspelt', 'kubernetes', { target: 'kubernets' }, 'target', 'one of the allowed values'],
  ['no target', 'kubernetes', { target: undefined }, 'target', 'is missing'],
  ['a key of another target', 'kubernetes', { region: 'eu-west-1' }, 'region', 'is no known key'],
];

const account: readonly Wrong[] = [
  ['a country for a region', 'dev', { region: 'Ireland' }, 'region', 'must match pattern'],
  ['an account of eleven digits', 'dev', { 'account.id': '12345678901' }, 'account.id', 'must match pattern'],
  ['an account as a number', 'dev', { 'account.id': 123456789012 }, 'account.id', 'must be string'],
  ['an owner with a blank', 'dev', { 'tags.owner': 'my team' }, 'tags.owner', 'must match pattern'],
];

const network: readonly Wrong[] = [
  ['a range that begins nowhere', 'dev', { 'network.cidr': '10.20.1.0/16' }, 'network', 'begin at a multiple'],
  ['a range that is too small', 'dev', { 'network.cidr': '10.20.0.0/24' }, 'network', 'has the prefix /24'],
  ['a range that is no address', 'dev', { 'network.cidr': '10.20.0.256/16' }, 'network', 'is no IPv4 range'],
  [
    'a zone of another region',
    'dev',
    { 'network.zones': ['eu-west-1a', 'us-east-1b'] },
    'network.zones',
    'lies outside',
  ],
  ['a zone that stands twice', 'dev', { 'network.zones': ['eu-west-1a', 'eu-west-1a'] }, 'network', 'stands twice'],
  ['one zone', 'dev', { 'network.zones': ['eu-west-1a'] }, 'network.zones', 'fewer than 2 items'],
  ['no way to AWS', 'dev', { 'network.nat': 'none' }, 'network.interfaceEndpoints', 'nodes reach ec2, ecr.api'],
  ['a NAT machine that nobody describes', 'dev', { 'network.nat': 'instance' }, 'network.natInstance', 'is missing'],
  [
    'a NAT machine beside a gateway',
    'dev',
    { 'network.natInstance': { instanceType: 't4g.nano', imageId: 'ami-0123abcd' } },
    'network.natInstance',
    'nat is single',
  ],
  [
    'an endpoint that stands twice',
    'dev',
    { 'network.interfaceEndpoints': ['sts', 'sts'] },
    'network.interfaceEndpoints',
    'an endpoint stands twice',
  ],
  ['prod behind one NAT', 'prod', { 'network.nat': 'single' }, 'network.nat', 'the loss of a zone'],
  ['prod in two zones', 'prod', { 'network.zones': ['eu-west-1a', 'eu-west-1b'] }, 'network.zones', 'are not three'],
];

const cluster: readonly Wrong[] = [
  [
    'an API for everyone',
    'dev',
    { 'cluster.publicAccessCidrs': ['0.0.0.0/0'] },
    'cluster.publicAccessCidrs.0',
    'match',
  ],
  [
    'an API of prod that is reached from outside',
    'prod',
    { 'cluster.publicAccessCidrs': ['203.0.113.0/24'] },
    'cluster.publicAccessCidrs',
    'opens the API of prod',
  ],
  ['nobody who administers', 'dev', { 'cluster.administrators': [] }, 'cluster.administrators', 'fewer than 1 items'],
  [
    'a viewer who administers',
    'dev',
    { 'cluster.viewers': ['orrery-administrator'] },
    'cluster.viewers',
    'administers',
  ],
  [
    'a retention that AWS lacks',
    'dev',
    { 'cluster.logRetentionDays': 31 },
    'cluster.logRetentionDays',
    'must be equal',
  ],
  ['a context with a blank', 'kubernetes', { 'cluster.context': 'my cluster' }, 'cluster.context', 'match pattern'],
];

const compute: readonly Wrong[] = [
  ['spot of few types', 'dev', { 'spot.instanceTypes': types('m5', 'c5', 'r5') }, 'spot', '3 types of 3 families'],
  ['spot of two families', 'dev', { 'spot.instanceTypes': twoFamilies }, 'spot', '10 types of 2 families'],
  ['a type that nobody knows', 'dev', { 'system.instanceTypes': ['m99.large'] }, 'system', 'no known x86-64'],
  ['a type of another architecture', 'dev', { 'general.instanceTypes': ['m7g.large'] }, 'general', 'no known x86-64'],
  ['nodes that wait for pods', 'dev', { 'general.nodesMin': 1 }, 'general', 'Karpenter keeps no node without pods'],
  ['more nodes at least than at most', 'dev', { 'system.nodesMin': 5 }, 'system', 'has nodesMin 5 and nodesMax 4'],
  ['GPUs that can not be counted', 'dev', { 'gpu.instanceTypes': ['g6.xlarge', 'g6.12xlarge'] }, 'gpuMax', 'mixes'],
  ['a cap below one node', 'prod', { gpuMax: 3, 'gpu.instanceTypes': ['g6.12xlarge'] }, 'gpuMax', 'a node has 4'],
  ['a type without GPUs', 'dev', { 'gpu.instanceTypes': ['m7i.large'] }, 'gpuMax', 'm7i.large'],
  ['a second number of GPUs', 'dev', { 'gpu.nodesMax': 8 }, 'gpu.nodesMax', 'is no known key'],
  ['a zone of prod without a system node', 'prod', { 'system.nodesMin': 2 }, 'system.nodesMin', 'zone without a node'],
];

const data: readonly Wrong[] = [
  ['state of prod in a pod', 'prod', { 'redis.state': statePod }, 'redis.state.kind', 'one server in one zone'],
  ['state of prod without a copy', 'prod', { 'redis.state.replicas': 0 }, 'redis.state.replicas', 'loses runs'],
  ['state of prod that forgets', 'prod', { 'redis.state.snapshotDays': 6 }, 'redis.state.snapshotDays', 'too soon'],
  ['state whose log has no room', 'dev', { 'redis.state': { ...statePod, volumeGiB: 1 } }, 'redis.state', 'GiB'],
  [
    'the same on a cluster',
    'kubernetes',
    { 'redis.state.volumeGiB': 1, 'redis.state.memoryMiB': 4096 },
    'redis.state',
    'GiB',
  ],
  ['keepers without a majority', 'dev', { 'clickhouse.keepers': 2 }, 'clickhouse', '2 keepers'],
  ['the same on a cluster', 'kubernetes', { clickhouse: { ...servers, keepers: 4 } }, 'clickhouse', '4 keepers'],
  [
    'copies without a zone each',
    'dev',
    { 'clickhouse.replicas': 3, 'network.zones': ['eu-west-1a', 'eu-west-1b'] },
    'clickhouse.replicas',
    'needs more zones than the 2',
  ],
  ['rows of prod on one server', 'prod', { 'clickhouse.replicas': 1 }, 'clickhouse.replicas', 'stops with its node'],
  ['one keeper in prod', 'prod', { 'clickhouse.keepers': 1 }, 'clickhouse.keepers', 'can not lose one'],
  ['copies of prod for days', 'prod', { 'clickhouse.backup.keepDays': 6 }, 'clickhouse.backup.keepDays', 'too soon'],
  ['a time that is none', 'dev', { 'clickhouse.backup.schedule': 'daily' }, 'clickhouse.backup.schedule', 'pattern'],
  ['two brokers', 'dev', { 'kafka.brokers': 2 }, 'kafka', '2 brokers'],
  ['brokers of AWS unevenly', 'dev', { kafka: { ...msk, brokers: 4 } }, 'kafka.brokers', '4 brokers'],
  ['one broker in prod', 'prod', { 'kafka.brokers': 1 }, 'kafka.brokers', 'loses events with a broker'],
  ['brokers of AWS on a cluster', 'kubernetes', { kafka: msk }, 'kafka.kind', 'must be equal'],
  ['a lock of prod that is lifted', 'prod', { 'store.lock.mode': 'GOVERNANCE' }, 'store.lock.mode', 'can be lifted'],
  ['a volume of nothing', 'kubernetes', { 'store.volumeGiB': 0 }, 'store.volumeGiB', 'must be >= 1'],
];

const services: readonly Wrong[] = [
  ['min above max', 'dev', { 'services.scoring': { min: 3, max: 2 } }, 'services.scoring', 'has min above max'],
  ['Kafka without brokers', 'dev', { bus: 'kafka', kafka: { kind: 'none' } }, 'bus', 'has no brokers here'],
  ['the same on a cluster', 'kubernetes', { bus: 'kafka' }, 'bus', 'has no brokers here'],
  ['images by a scheme', 'dev', { registry: 'https://registry.example/orrery' }, 'registry', 'must match pattern'],
  ['a service that nobody knows', 'dev', { 'services.scorer': { min: 1, max: 1 } }, 'services.scorer', 'no known key'],
];

const platform: readonly Wrong[] = [
  [
    'a gateway for everyone',
    'dev',
    { 'gateway.allowedCidrs': ['0.0.0.0/0'] },
    'gateway.allowedCidrs',
    'admits 0.0.0.0/0',
  ],
  ['an inner gateway for anyone', 'dev', { 'gateway.allowedCidrs': ['anyone'] }, 'gateway.allowedCidrs', 'internal'],
  ['a gateway for nobody', 'kubernetes', { 'gateway.allowedCidrs': [] }, 'gateway.allowedCidrs', 'admits nobody'],
  ['a gateway without a name', 'dev', { domain: { kind: 'none' } }, 'domain', 'certifies no name'],
  ['the same on a cluster', 'kubernetes', { domain: { kind: 'none' } }, 'domain', 'certifies no name'],
  [
    'a gateway of prod that goes by mistake',
    'prod',
    { 'gateway.deletionProtection': false },
    'gateway.deletionProtection',
    'mistake',
  ],
  ['one operator in prod', 'prod', { 'operators.replicas': 1 }, 'operators.replicas', 'with one node'],
  ['a zone of DNS by name', 'dev', { 'domain.zoneId': 'orrery.example' }, 'domain.zoneId', 'must match pattern'],
  ['secrets that are looked up all day', 'dev', { 'secrets.refreshMinutes': 1 }, 'secrets.refreshMinutes', '>= 60'],
  [
    'an authority without an address',
    'kubernetes',
    { domain: { kind: 'acme', name: 'orrery.example', email: 'me' } },
    'domain.email',
    'must match pattern',
  ],
];

const observability: readonly Wrong[] = [
  [
    'an address that is none',
    'dev',
    { 'observability.alertEmails': ['platform'] },
    'observability.alertEmails.0',
    'match',
  ],
  ['nobody who is told', 'dev', { 'budget.emails': [] }, 'budget.emails', 'fewer than 1 items'],
  ['a budget of nothing', 'dev', { 'budget.monthlyUsd': 0 }, 'budget.monthlyUsd', 'must be >= 1'],
  [
    'Metabase of prod on a file',
    'prod',
    { 'observability.metabase': { kind: 'volume', volumeGiB: 5 } },
    'observability.metabase',
    'crash',
  ],
  ['lines of prod for days', 'prod', { 'observability.logDays': 13 }, 'observability.logDays', 'forgets'],
  [
    'samples of prod for days',
    'prod',
    { 'observability.metrics.retentionDays': 13 },
    'observability.metrics.retentionDays',
    'forgets',
  ],
  [
    'no trace at all',
    'dev',
    { 'observability.traceSamplePercent': 0 },
    'observability.traceSamplePercent',
    'must be > 0',
  ],
  [
    'runbooks without TLS',
    'dev',
    { 'observability.runbooksUrl': 'http://a.example/b' },
    'observability.runbooksUrl',
    'match',
  ],
  [
    'Metabase without users to be',
    'kubernetes',
    { 'observability.metabase': { kind: 'volume', volumeGiB: 5 } },
    'observability.metabase',
    'an embedded engine lacks',
  ],
  [
    'a price below nothing',
    'kubernetes',
    { 'observability.prices.coreHour': -1 },
    'observability.prices.coreHour',
    '>= 0',
  ],
];

const tenants: readonly Wrong[] = [
  ['a tenant that is the platform', 'dev', { 'tenants.main': tenant }, 'tenants.main', 'is the platform itself'],
  ['a tenant of two letters', 'dev', { 'tenants.ab': tenant }, 'tenants.ab', 'names no tenant'],
  ['GPUs of tenants above the cap', 'dev', { 'tenants.demo.gpus': 2 }, 'tenants', 'ask for 2 GPUs of 1'],
  ['the same where there are none', 'kubernetes', { 'tenants.demo.gpus': 1 }, 'tenants', 'ask for 1 GPUs of 0'],
  [
    'a group of Kubernetes itself',
    'dev',
    { 'tenants.demo.administrators': ['system:masters'] },
    'tenants.demo.administrators.0',
    'match',
  ],
  [
    'a tier that nobody knows',
    'dev',
    { 'tenants.demo.tier': 'gold' },
    'tenants.demo.tier',
    'one of the allowed values',
  ],
];

const layers: Readonly<Record<string, readonly Wrong[]>> = {
  ...{ form, account, network, cluster, compute, data, services, platform, observability, tenants },
};

function changed(environment: string, change: Change): Record<string, unknown> {
  const settings = structuredClone(settingsOfFile(environment));
  for (const [path, value] of Object.entries(change)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    const place = keys.reduce((map, key) => map[key] as Record<string, unknown>, settings);
    if (value === undefined) Reflect.deleteProperty(place, last);
    else place[last] = value;
  }
  return settings;
}

const release = cloudRelease();
const releaseDigest = digestOfRelease(release);

function refusalOf(environment: string, settings: unknown): CommandError {
  try {
    composePlatform({ environment, release, releaseDigest, settings });
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `${environment} was composed` });
}

for (const [layer, wrongs] of Object.entries(layers)) {
  describe(`wrong settings of ${layer}`, () => {
    for (const [what, environment, change, path, reason] of wrongs) {
      it(`name ${what} (${environment}): path, value, reason and remedy, and nothing is made`, async () => {
        const settings = changed(environment, change);
        const problems = findProblems(environment, settings);
        assert.deepEqual(
          problems.map((problem) => problem.path),
          [path],
        );
        const [problem] = problems as [SettingsProblem];
        assert.ok(problem.reason.includes(reason), problem.reason);
        assert.ok(problem.fix.length > 5 && problem.value !== undefined, JSON.stringify(problem));
        const { result, resources } = await record(() => refusalOf(environment, settings), { stack: environment });
        assert.deepEqual([result.code, resources], ['SETTINGS_INVALID', []]);
        assert.ok(result.message.includes(`  ${path}: `) && result.message.includes(problem.fix), result.message);
      });
    }
  });
}

describe('wrong settings', () => {
  const fixOf = (environment: string, change: Change) =>
    findProblems(environment, changed(environment, change))[0]?.fix;

  it('are told with every word that is allowed, and the one that was probably meant', () => {
    assert.equal(fixOf('dev', { 'kafka.kind': 'strimsi' }), 'kind: none, strimzi or msk; did you mean strimzi?');
    assert.equal(
      fixOf('dev', { 'network.nat': 'regoinal' }),
      'how private subnets reach out: none, instance, single, regional or perAz; did you mean regional?',
    );
    assert.match(
      fixOf('dev', { 'cluster.logRetentionDays': 31 }) ?? '',
      /^one of 1, 3, 5, 7, 14, 30, 60, .*; days, .*; did you mean 30\?$/,
    );
    assert.match(fixOf('kubernetes', { target: 'kubernets' }) ?? '', /^one of aws, kubernetes; .*mean kubernetes\?$/);
    assert.equal(fixOf('dev', { 'network.nats': 'single' }), 'did you mean "nat"?');
    assert.equal(fixOf('dev', { 'redis.state.kind': undefined }), 'give kind: elasticache or statefulset');
    assert.equal(fixOf('dev', { 'account.id': undefined }), 'give the twelve digits of the AWS account, in quotes');
    assert.equal(fixOf('dev', { account: undefined }), 'give keys alias, id');
  });

  it('are told all at once: those of form, and those that fields mean together where the form is right', () => {
    const change = {
      region: 'Ireland',
      'network.zones': ['eu-west-1a', 'eu-west-1a'],
      gpuMax: undefined,
      'clickhouse.keepers': 2,
      'kafka.kind': 'kafka',
      'tenants.main': tenant,
    };
    const problems = findProblems('dev', changed('dev', change));
    assert.deepEqual(problems.map(({ path }) => path).sort(), [
      'clickhouse',
      'gpuMax',
      'kafka.kind',
      'network',
      'region',
      'tenants.main',
    ]);
    const { message, hint } = refusalOf('dev', changed('dev', change));
    assert.match(message, /^Pulumi\.dev\.yaml has 6 problems:\n/);
    assert.equal(hint, 'mend every line above; nothing was changed');
  });

  it('are one problem where there are none at all', () => {
    for (const nothing of [undefined, null, {}]) {
      const problems = findProblems('dev', nothing);
      assert.deepEqual(
        problems.map(({ path, reason }) => [path, reason]),
        [['config', 'is empty']],
      );
      assert.match(problems[0]?.fix ?? '', /^copy below config what Pulumi\.dev\.yaml says/);
    }
    assert.match(refusalOf('dev', {}).message, /^Pulumi\.dev\.yaml has a problem:\n {2}config: is empty; copy below /);
  });
});
