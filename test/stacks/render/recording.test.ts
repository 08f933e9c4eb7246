import assert from 'node:assert/strict';
import { readGraph, writeGraph, type GraphResource } from '#stacks/render/graph.ts';
import { digestOfBytes } from '@orrery/contracts/digest';
import { inputsOf, renderSmall } from './small-program.ts';

const stack = 'urn:pulumi:dev::orrery::pulumi:pulumi:Stack::orrery-dev';

function named(graph: readonly GraphResource[], name: string): GraphResource {
  const [only, ...more] = graph.filter((resource) => resource.name === name);
  assert.ok(only !== undefined && more.length === 0, `${more.length} more of ${name}`);
  return only;
}

/** Resources of which each test looks at some; one render serves them all. */
const program = `
  const provider = new aws.Provider('aws', { region: 'eu-west-1' });
  const cloud = new kubernetes.Provider('cluster', { kubeconfig: '{}' });
  class Pair extends pulumi.ComponentResource {
    constructor(name, options) {
      super('test:index:Pair', name, {}, options);
      this.first = new aws.s3.Bucket(name + '-first', { tags: { word: request.settings.word } }, { parent: this, protect: true });
      this.second = new aws.sqs.Queue(name + '-second', {
        name: pulumi.interpolate\`\${this.first.bucket}-queue\`,
        policy: pulumi.jsonStringify({ Resource: [this.first.arn, this.first.arn.apply((arn) => arn + '/*')] }),
        delaySeconds: 5,
      }, { parent: this, dependsOn: [this.first], retainOnDelete: true, ignoreChanges: ['tags'], replaceOnChanges: ['name'],
           deleteBeforeReplace: false, aliases: [{ name: 'older' }, 'urn:pulumi:dev::orrery::x:y:Z::w'],
           customTimeouts: { create: '5m' }, deletedWith: this.first, additionalSecretOutputs: ['policy'] });
      this.registerOutputs({});
    }
  }
  class Outer extends pulumi.ComponentResource {
    constructor(name, options) {
      super('test:index:Outer', name, {}, options);
      this.pair = new Pair(name + '-pair', { parent: this });
      this.registerOutputs({});
    }
  }
  const outer = new Outer('outer', { providers: { aws: provider } });
  const password = new random.RandomPassword('password', { length: 20 });
  const account = new kubernetes.core.v1.ServiceAccount('account', { metadata: { namespace: 'here' } }, { provider: cloud });
  const service = new kubernetes.core.v1.Service('service', { metadata: { name: 'given' } }, { provider: cloud });
  new kubernetes.core.v1.Secret('secret', { metadata: { namespace: account.metadata.namespace },
    stringData: { token: pulumi.interpolate\`user:\${password.result}\`, same: password.result } }, { provider: cloud });
  new kubernetes.core.v1.ConfigMap('config', { metadata: { name: service.metadata.name }, data: {
    account: account.metadata.name, uid: account.metadata.uid, script: 'echo \${HOME}',
    host: service.status.loadBalancer.ingress[0].hostname,
  } }, { provider: cloud });
  new aws.s3.BucketObject('object', { bucket: outer.pair.first, source: new pulumi.asset.StringAsset('hello') }, { provider });
  const cluster = new aws.eks.Cluster('plain', { name: 'plain', roleArn: 'r', vpcConfig: { subnetIds: ['a'] } }, { provider, import: 'plain' });
  new aws.sqs.Queue('reader', { tags: {
    group: cluster.vpcConfig.clusterSecurityGroupId, subnet: cluster.vpcConfig.subnetIds[0], issuer: cluster.identities[0].oidcs[0].issuer,
  } }, { provider });
  return { bucket: outer.pair.first.bucket, given: service.metadata.name };`;

describe('a recorded program', function () {
  this.timeout(60_000);
  let graph: GraphResource[];

  before(async () => {
    graph = await renderSmall(program);
  });

  it('has URNs in the engine’s own form: all types from below the stack, then the name', () => {
    assert.deepEqual(
      graph.map(({ urn }) => urn.slice('urn:pulumi:dev::orrery::'.length)),
      [
        'aws:eks/cluster:Cluster::plain',
        'aws:s3/bucketObject:BucketObject::object',
        'aws:sqs/queue:Queue::reader',
        'kubernetes:core/v1:ConfigMap::config',
        'kubernetes:core/v1:Secret::secret',
        'kubernetes:core/v1:Service::service',
        'kubernetes:core/v1:ServiceAccount::account',
        'pulumi:providers:aws::aws',
        'pulumi:providers:kubernetes::cluster',
        'pulumi:pulumi:Stack::orrery-dev',
        'random:index/randomPassword:RandomPassword::password',
        'test:index:Outer$test:index:Pair$aws:s3/bucket:Bucket::outer-pair-first',
        'test:index:Outer$test:index:Pair$aws:sqs/queue:Queue::outer-pair-second',
        'test:index:Outer$test:index:Pair::outer-pair',
        'test:index:Outer::outer',
      ],
    );
    assert.equal(named(graph, 'outer').parent, stack);
    assert.equal(named(graph, 'outer-pair-first').parent, named(graph, 'outer-pair').urn);
    assert.equal(named(graph, 'orrery-dev').parent, null);
  });

  it('shows outputs as symbols, through interpolate, jsonStringify and apply', () => {
    assert.deepEqual(inputsOf(graph, 'outer-pair-second'), {
      delaySeconds: 5,
      name: '${outer-pair-first.bucket}-queue',
      policy: '{"Resource":["${outer-pair-first.arn}","${outer-pair-first.arn}/*"]}',
    });
  });

  it('shows what is read inside an output, and keeps what the program gave itself', () => {
    assert.deepEqual(inputsOf(graph, 'reader'), {
      tags: {
        group: '${plain.vpcConfig.clusterSecurityGroupId}',
        subnet: 'a',
        issuer: '${plain.identities[0].oidcs[0].issuer}',
      },
    });
    assert.deepEqual(inputsOf(graph, 'config'), {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'given' },
      data: {
        account: '${account.metadata.name}',
        uid: '${account.metadata.uid}',
        // The program's own text can't be mistaken for an output.
        script: 'echo $${HOME}',
        host: '${service.status.loadBalancer.ingress[0].hostname}',
      },
    });
  });

  it('shows secrets as references', () => {
    assert.deepEqual(inputsOf(graph, 'secret')['stringData'], {
      $secret: { token: 'user:${password.result}', same: '${password.result}' },
    });
  });

  it('shows a resource that is passed whole by its id, and an asset by its content', () => {
    assert.deepEqual(inputsOf(graph, 'object'), {
      bucket: '${outer-pair-first.id}',
      source: { $asset: digestOfBytes('hello') },
    });
  });

  it('keeps every option that differs from the default', () => {
    const provider = named(graph, 'aws').urn;
    const first = named(graph, 'outer-pair-first').urn;
    assert.deepEqual(named(graph, 'outer-pair-first').options, {
      // The SDK's own: the class was once called so.
      aliases: [{ type: 'aws:s3/bucketV2:BucketV2', parent: named(graph, 'outer-pair').urn }],
      protect: true,
      provider,
      version: '7.48.0',
    });
    assert.deepEqual(named(graph, 'outer-pair-second').options, {
      additionalSecretOutputs: ['policy'],
      aliases: [{ name: 'older', parent: named(graph, 'outer-pair').urn }, 'urn:pulumi:dev::orrery::x:y:Z::w'],
      customTimeouts: { create: '5m' },
      deleteBeforeReplace: false,
      deletedWith: first,
      ignoreChanges: ['tags'],
      provider,
      replaceOnChanges: ['name'],
      retainOnDelete: true,
      version: '7.48.0',
    });
    assert.equal(named(graph, 'plain').options['import'], 'plain');
    assert.deepEqual(named(graph, 'outer').options, { providers: { aws: provider } });
  });

  it('says what depends on what, and through which property', () => {
    const first = named(graph, 'outer-pair-first').urn;
    const { dependencies, propertyDependencies } = named(graph, 'outer-pair-second');
    assert.deepEqual(dependencies, [first]);
    assert.deepEqual(propertyDependencies, { name: [first], policy: [first] });
  });

  it('keeps what the stack exports', () => {
    assert.deepEqual(named(graph, 'orrery-dev').outputs, { bucket: '${outer-pair-first.bucket}', given: 'given' });
  });

  it('is read back as it was written', () => {
    assert.deepEqual(readGraph(writeGraph(graph.toReversed())), graph);
  });

  it('tells resources of one name apart by type, and of one type by URN', async () => {
    const twins = await renderSmall(`
      class Holder extends pulumi.ComponentResource {
        constructor(name) {
          super('test:index:Holder' + name, name, {}, {});
          this.pet = new random.RandomPet('pet', {}, { parent: this });
        }
      }
      const [left, other] = [new random.RandomPet('twin', {}), new random.RandomString('twin', { length: 3 })];
      const [one, two] = ['one', 'two'].map((name) => new Holder(name));
      new random.RandomPet('odd.name', { prefix: left.id });
      new random.RandomPet('reader', { keepers: { left: left.id, right: other.result, one: one.pet.id } });`);
    assert.deepEqual(inputsOf(twins, 'reader')['keepers'], {
      left: '${"random:index/randomPet:RandomPet::twin".id}',
      right: '${"random:index/randomString:RandomString::twin".result}',
      one: '${"urn:pulumi:dev::orrery::test:index:Holderone$random:index/randomPet:RandomPet::pet".id}',
    });
  });
});
