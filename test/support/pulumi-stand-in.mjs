// Stands for the Pulumi CLI where a test wants failures: `up`, `preview`, `cancel`, `stack export` on a folder (STAND_IN_FOLDER) that holds
// what the test asks for (behaviour.json), what was made (made.json) and the lock. It runs no program: what it makes of
// each resource is the release that is pinned.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.STAND_IN_FOLDER;
const words = process.argv.slice(2);
const file = (name) => join(folder, name);
const read = (name, otherwise) => (existsSync(file(name)) ? JSON.parse(readFileSync(file(name), 'utf8')) : otherwise);
const behaviour = read('behaviour.json', {});
const environment = words[words.indexOf('--stack') + 1];
const urnOf = (name) => `urn:pulumi:${environment}::orrery::aws:s3/bucket:Bucket::${name}`;

appendFileSync(file('calls'), `${words.slice(0, 2).join(' ')}\n`);
if (words[0] === 'cancel') rmSync(file('lock'), { force: true });
else if (words[0] === 'stack') process.stdout.write(exported());
else await run(words[0] === 'preview');

function exported() {
  const signature = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };
  const secret = behaviour.inClear ? { ...signature, plaintext: '"hunter2"' } : { ...signature, ciphertext: 'v1:abc' };
  const resources = Object.entries(read('made.json', {})).map(([name, inputs]) => ({
    urn: urnOf(name),
    inputs: { ...inputs, password: secret },
  }));
  return JSON.stringify({ version: 3, deployment: { resources } });
}

async function run(preview) {
  if (existsSync(file('lock'))) {
    process.stderr.write(
      'error: the stack is currently locked by 1 lock(s). Either wait or delete the lock file with `pulumi cancel`.\n',
    );
    process.exit(255);
  }
  writeFileSync(file('lock'), String(process.pid));
  const log = words[words.indexOf('--event-log') + 1];
  const tell = (event) => appendFileSync(log, `${JSON.stringify(event)}\n`);
  const release = JSON.parse(readFileSync(`stacks/pins/${environment}.json`, 'utf8')).release;
  const made = read('made.json', {});
  let failed = false;
  for (const [index, name] of behaviour.resources.entries()) {
    const urn = urnOf(name);
    const op = made[name] === undefined ? 'create' : made[name].release === release ? 'same' : 'update';
    const metadata = { op, urn, type: 'aws:s3/bucket:Bucket', new: { custom: true } };
    if (!preview && behaviour.dieAt === index) process.kill(process.pid, 'SIGKILL');
    if (!preview && behaviour.hangAt === index) await interruption();
    if (!preview && behaviour.failAt === index) {
      failed = true;
      tell({ resOpFailedEvent: { metadata } });
      tell({ diagnosticEvent: { urn, severity: 'error', message: `no room for ${name}\n` } });
      continue;
    }
    if (!preview) made[name] = { release };
    if (!preview) writeFileSync(file('made.json'), JSON.stringify(made));
    tell({ resOutputsEvent: { metadata, planning: preview } });
  }
  rmSync(file('lock'), { force: true });
  process.exit(failed ? 255 : 0);
}

/** Something is in flight until it is interrupted; then the engine ends in order. */
function interruption() {
  return new Promise(() => {
    writeFileSync(file('hangs'), String(process.pid));
    setInterval(() => undefined, 1000);
    process.on('SIGINT', () => {
      if (behaviour.stubborn) return;
      rmSync(file('lock'), { force: true });
      process.exit(255);
    });
  });
}
