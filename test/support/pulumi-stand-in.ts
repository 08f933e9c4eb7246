// Stands for the Pulumi CLI where a test wants failures: `up`, `preview`, `cancel`, `stack export` on a folder (STAND_IN_FOLDER) that holds
// what the test asks for (behaviour.json), what was made (made.json) and the lock. It runs no program: what it makes of
// each resource is the release that is pinned.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Behaviour } from './engine-stand-in.ts';

const file = (name: string) => join(process.env['STAND_IN_FOLDER'] ?? '', name);
const words = process.argv.slice(2);
const after = (flag: string) => words[words.indexOf(flag) + 1] ?? '';
const read = <T>(path: string, otherwise: T) =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : otherwise;

type Made = Record<string, { release: string }>;

const behaviour = read<Behaviour & { resources: string[] }>(file('behaviour.json'), { resources: [] });
const environment = after('--stack');
const urnOf = (name: string) => `urn:pulumi:${environment}::orrery::aws:s3/bucket:Bucket::${name}`;

appendFileSync(file('calls'), `${words.slice(0, 2).join(' ')}\n`);
if (words[0] === 'cancel') rmSync(file('lock'), { force: true });
else if (words[0] === 'stack') process.stdout.write(exported());
else await run(words[0] === 'preview');

function exported(): string {
  const signature = { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270' };
  const secret =
    behaviour.inClear === true ? { ...signature, plaintext: '"hunter2"' } : { ...signature, ciphertext: 'v1:abc' };
  const resources = Object.entries(read<Made>(file('made.json'), {})).map(([name, inputs]) => ({
    urn: urnOf(name),
    inputs: { ...inputs, password: secret },
  }));
  return JSON.stringify({ version: 3, deployment: { resources } });
}

async function run(preview: boolean): Promise<void> {
  takeLock();
  const tell = (event: object) => appendFileSync(after('--event-log'), `${JSON.stringify(event)}\n`);
  const { release } = read(`stacks/pins/${environment}.json`, { release: '' });
  const made = read<Made>(file('made.json'), {});
  for (const [index, name] of behaviour.resources.entries()) {
    const urn = urnOf(name);
    const op = made[name] === undefined ? 'create' : made[name].release === release ? 'same' : 'update';
    const metadata = { op, urn, type: 'aws:s3/bucket:Bucket', new: { custom: true } };
    if (!preview && behaviour.dieAt === index) process.kill(process.pid, 'SIGKILL');
    if (!preview && behaviour.hangAt === index) await interruption();
    if (!preview && behaviour.failAt === index) {
      tell({ resOpFailedEvent: { metadata } });
      tell({ diagnosticEvent: { urn, severity: 'error', message: `no room for ${name}\n` } });
      continue;
    }
    if (!preview) made[name] = { release };
    if (!preview) writeFileSync(file('made.json'), JSON.stringify(made));
    tell({ resOutputsEvent: { metadata, planning: preview } });
  }
  rmSync(file('lock'), { force: true });
  process.exit(!preview && behaviour.failAt !== undefined ? 255 : 0);
}

function takeLock(): void {
  if (!existsSync(file('lock'))) {
    writeFileSync(file('lock'), String(process.pid));
    return;
  }
  const remedy = 'Either wait for the other process to end or delete the lock file with `pulumi cancel`.';
  process.stderr.write(`error: the stack is currently locked by 1 lock(s). ${remedy}\n`);
  process.exit(255);
}

/** Something is in flight until it is interrupted; then the engine ends in order. */
function interruption(): Promise<never> {
  return new Promise(() => {
    process.on('SIGINT', () => {
      if (behaviour.stubborn === true) return;
      rmSync(file('lock'), { force: true });
      process.exit(255);
    });
    setInterval(() => undefined, 1000);
    writeFileSync(file('hangs'), String(process.pid));
  });
}
