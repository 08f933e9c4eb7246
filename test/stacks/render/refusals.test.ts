import assert from 'node:assert/strict';
import { CommandError } from '#stacks/errors.ts';
import { renderSmall } from './small-program.ts';

/** Fails with a code, and with a message that names what was tried. */
function refuses(code: string, ...texts: string[]) {
  return (error: unknown) => {
    assert.ok(error instanceof CommandError, String(error));
    assert.equal(error.code, code, error.message);
    for (const text of texts) assert.ok(error.message.includes(text), `${text} is not in: ${error.message}`);
    return true;
  };
}

const secretUrn = 'kubernetes:core/v1:Secret::secret';

describe('a render refuses', function () {
  this.timeout(60_000);

  it('a remote component that it can not see into, by name', async () => {
    await assert.rejects(
      renderSmall(`new eks.ManagedNodeGroup('opaque', { cluster: 'x' });`),
      refuses('RESOURCE_OPAQUE', 'eks:index:ManagedNodeGroup::opaque'),
    );
  });

  it('a question to the cloud, by its token', async () => {
    const token = 'aws:index/getCallerIdentity:getCallerIdentity';
    await assert.rejects(renderSmall(`await aws.getCallerIdentity({});`), refuses('INVOKE_REFUSED', token));
    await assert.rejects(
      renderSmall(`try { await aws.getCallerIdentity({}); } catch { return {}; }`),
      refuses('INVOKE_REFUSED', token),
    );
    await assert.rejects(
      renderSmall(`aws.s3.Bucket.get('found', 'my-bucket');`),
      refuses('READ_REFUSED', 'aws:s3/bucket:Bucket found', 'my-bucket'),
    );
  });

  for (const [what, call, place] of [
    ['a connection', `net.connect(4242, '127.0.0.1')`, '127.0.0.1:4242'],
    ['a request', `await fetch('http://169.254.169.254/latest')`, '169.254.169.254'],
    ['a request by http', `http.get('http://192.0.2.1:81/')`, '192.0.2.1:81'],
    ['a server', `net.createServer().listen(0)`, 'listening'],
    ['a name', `await dns.promises.lookup('example.org')`, 'example.org'],
    ['a datagram', `dgram.createSocket('udp4').send('x', 53, '192.0.2.1')`, 'a datagram'],
  ] as const) {
    it(`${what}, even where the program would go on without it`, async () => {
      const imports = ['net', 'http', 'dns', 'dgram'].map((name) => `import ${name} from 'node:${name}';`).join('\n');
      await assert.rejects(
        renderSmall(`try { ${call}; } catch {} return {};`, imports),
        refuses('NETWORK_REFUSED', place),
      );
    });
  }

  it('a written file', async () => {
    const imports = `import fs from 'node:fs'; import { writeFile } from 'node:fs/promises';`;
    for (const call of [
      `fs.writeFileSync('/tmp/left-behind', 'x')`,
      `await writeFile('/tmp/left-behind', 'x')`,
      `fs.openSync('/tmp/left-behind', 'w')`,
      `fs.createWriteStream('/tmp/left-behind')`,
    ]) {
      await assert.rejects(
        renderSmall(`try { ${call}; } catch {} return {};`, imports),
        refuses('WRITE_REFUSED', '/tmp/left-behind'),
      );
    }
  });

  it('a file of the machine, where the program can not go on without it', async () => {
    await assert.rejects(
      renderSmall(`return { text: fs.readFileSync('/etc/hostname', 'utf8') };`, `import fs from 'node:fs';`),
      refuses('ACCESS_REFUSED', '/etc/hostname'),
    );
  });

  it('a program and a thread', async () => {
    const imports = `import { execSync, spawn } from 'node:child_process'; import { Worker } from 'node:worker_threads';`;
    await assert.rejects(renderSmall(`execSync('id -un');`, imports), refuses('PROGRAM_REFUSED', 'id -un'));
    await assert.rejects(renderSmall(`spawn('hostname', []);`, imports), refuses('PROGRAM_REFUSED', 'hostname'));
    await assert.rejects(renderSmall(`new Worker('./x.mjs');`, imports), refuses('THREAD_REFUSED', './x.mjs'));
  });

  it('a throw inside an apply, naming resource and property instead of a stack trace', async () => {
    await assert.rejects(
      renderSmall(`
        const pet = new random.RandomPet('pet', {});
        const text = pet.id.apply((id) => { throw new Error('no such ' + typeof id); });
        new aws.sqs.Queue('queue', { name: text });`),
      refuses('PROGRAM_FAILED', 'no such string', 'aws:sqs/queue:Queue::queue', '/name'),
    );
  });

  it('a throw of the program itself, with its own code and remedy', async () => {
    await assert.rejects(
      renderSmall(`throw Object.assign(new Error('too few zones'), { code: 'ZONES_MISSING', hint: 'name three' });`),
      refuses('ZONES_MISSING', 'too few zones'),
    );
  });

  it('a secret that stands in the program, or a text that was made from one', async () => {
    await assert.rejects(
      renderSmall(`new kubernetes.core.v1.Secret('secret', { stringData: { token: 'hunter2' } });`),
      refuses('SECRET_LITERAL', secretUrn, '/stringData/token'),
    );
    await assert.rejects(
      renderSmall(`
        const password = new random.RandomPassword('password', { length: 20 });
        const data = password.result.apply((text) => ({ token: Buffer.from(text).toString('base64') }));
        new kubernetes.core.v1.Secret('secret', { data });`),
      refuses('SECRET_LITERAL', secretUrn, '/data/token'),
    );
  });

  it('to tell a secret when it refuses it', async () => {
    await assert.rejects(
      renderSmall(`new kubernetes.core.v1.Secret('secret', { stringData: { token: 'hunter2' } });`),
      (error) => error instanceof CommandError && !`${error.message} ${error.hint}`.includes('hunter2'),
    );
  });

  it('an output that is cut apart, or read inside an apply as something else than text', async () => {
    const bucket = `const bucket = new aws.s3.Bucket('bucket', {});`;
    await assert.rejects(
      renderSmall(`${bucket} new aws.sqs.Queue('queue', { name: bucket.arn.apply((arn) => arn.slice(0, 8)) });`),
      refuses('SYMBOL_BROKEN', 'aws:sqs/queue:Queue::queue', '/name'),
    );
    await assert.rejects(
      renderSmall(`
        const cluster = new aws.eks.Cluster('cluster', { roleArn: 'r', vpcConfig: { subnetIds: [] } });
        new aws.sqs.Queue('other', { name: cluster.identities.apply((all) => all.map((one) => one.issuer)) });`),
      refuses('OUTPUT_UNSHAPED', '"map"'),
    );
  });

  it('two resources of one name and type under one parent', async () => {
    await assert.rejects(
      renderSmall(`new random.RandomPet('pet', {}); new random.RandomPet('pet', {});`),
      refuses('URN_DUPLICATE', 'random:index/randomPet:RandomPet::pet'),
    );
  });

  it('transforms, which only an engine can call', async () => {
    await assert.rejects(
      renderSmall(`pulumi.runtime.registerResourceTransform(() => undefined); new random.RandomPet('pet', {});`),
      (error) => error instanceof CommandError && /CALLBACK_UNSUPPORTED|PROGRAM_FAILED/.test(error.code),
    );
  });

  it('arguments of eks.Cluster whose effect it does not know, by name', async () => {
    await assert.rejects(
      renderSmall(`
        const provider = new aws.Provider('aws', { region: 'eu-west-1' });
        new eks.Cluster('cluster', { vpcId: 'vpc-1', fargate: true }, { providers: { aws: provider } });`),
      refuses('EXPANDER_UNSURE', 'fargate true', 'skipDefaultNodeGroup missing'),
    );
  });
});
