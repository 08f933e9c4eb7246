import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What an SDK says of a type of resource. */
export interface SdkType {
  readonly inputs: ReadonlySet<string>;
  readonly required: readonly string[];
  /** Properties that only the cloud knows. */
  readonly computed: readonly string[];
  /** Inputs of which the documentation says that a change makes another resource. */
  readonly replacing: ReadonlySet<string>;
}

const folder = dirname(createRequire(import.meta.url).resolve('@pulumi/aws/package.json'));
const known = new Map<string, SdkType>();
const saysReplacement = /[Ff]orces? (a )?(new resource|replacement)|[Cc]hanging this (will )?(forces|create)/;

/** Reads the SDK's generated files, so that a program which drifts from its SDK is refused. */
export function sdkType(token: string): SdkType {
  const found = known.get(token) ?? read(token);
  known.set(token, found);
  return found;
}

function read(token: string): SdkType {
  const [, path = ''] = token.split(':');
  const file = join(folder, path.replace(/^index\//, ''));
  if (!existsSync(`${file}.js`)) throw new Error(`${token} is not in @pulumi/aws`);
  const code = readFileSync(`${file}.js`, 'utf8');
  const types = readFileSync(`${file}.d.ts`, 'utf8');
  const [args = ''] = /export interface \w+Args \{[^]*?\n\}/.exec(types) ?? [];
  const made = code.split('const args = argsOrState;').at(-1) ?? '';
  const documented = [...args.matchAll(/\/\*\*([^]*?)\*\/\s*(\w+)\??:/g)];
  return {
    inputs: new Set([...made.matchAll(/resourceInputs\["(\w+)"\] = (?!undefined)/g)].map(([, name]) => name ?? '')),
    required: [...code.matchAll(/Missing required property '(\w+)'/g)].map(([, name]) => name ?? ''),
    computed: [...made.matchAll(/resourceInputs\["(\w+)"\] = undefined/g)].map(([, name]) => name ?? ''),
    replacing: new Set(
      documented.filter(([, text]) => saysReplacement.test(text ?? '')).map(([, , name]) => name ?? ''),
    ),
  };
}
