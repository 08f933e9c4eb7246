// Run by `checkout.ts` inside the exported tree of a commit, by the commit's own code, with the commit's own packages:
// `node stacks/release/build.ts OUT` writes OUT/release.json and OUT/objects/<hex>.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@orrery/contracts/digest';
import { CommandError, messageOf } from '../errors.ts';
import { assembleRelease } from './assemble.ts';

const [out] = process.argv.slice(2);
if (out === undefined) throw new TypeError('usage: build.ts OUT');

try {
  const { release, objects } = await assembleRelease(process.cwd());
  mkdirSync(join(out, 'objects'), { recursive: true });
  for (const content of objects) {
    writeFileSync(join(out, 'objects', createHash('sha256').update(content).digest('hex')), content);
  }
  writeFileSync(join(out, 'release.json'), canonicalJson(release));
} catch (error) {
  if (!(error instanceof CommandError)) throw error;
  process.stderr.write(`${JSON.stringify({ code: error.code, message: messageOf(error), hint: error.hint })}\n`);
  process.exitCode = 1;
}
