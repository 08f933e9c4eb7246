import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { knownSdkVersion } from '#stacks/render/sdk.ts';

const load = createRequire(import.meta.url);

function source(path: string): string {
  return readFileSync(load.resolve(`@pulumi/pulumi/${path}`), 'utf8');
}

const why = `stacks/render/sdk.ts leans on what @pulumi/pulumi does not publish. After an upgrade read each place below in the SDK's
source, mend sdk.ts, run test/engine against the new SDK, and only then change knownSdkVersion`;

/** Each place, with the text by which it is known. */
const places: [file: string, text: string, use: string][] = [
  ['runtime/settings.js', 'function setMockOptions(mockMonitor, project, stack, preview, organization)', 'runProgram'],
  ['runtime/settings.js', 'settings.monitor = mockMonitor;', 'runProgram'],
  ['runtime/settings.js', 'async function disconnect(signalShutdown = false)', 'runProgram'],
  ['runtime/settings.js', 'function getCallbacks()', 'refuseCallbacks'],
  ['runtime/resource.js', 'settings_1.getCallbacks()', 'refuseCallbacks: looked up at each call'],
  [
    'runtime/resource.js',
    'function registerResource(res, parent, t, name, custom, remote, newDependency, props, opts,',
    'noteKeys',
  ],
  ['runtime/resource.js', 'function getResource(res, parent, props, custom, urn)', 'noteKeys'],
  [
    'resource.js',
    'resource_1.registerResource(this, parent, t, name, custom, remote,',
    'noteKeys: looked up at each call',
  ],
  ['resource.js', 'resource_1.getResource(this, parent, props, custom, opts.urn)', 'noteKeys: looked up at each call'],
  ['runtime/resource.js', 'state_1.failPendingRegistration(res, err)', 'notePlaces: looked up at each call'],
  ['runtime/rpc.js', 'opts.pendingRegistration.inputProperty = k;', 'notePlaces'],
  ['runtime/rpc.js', 'err.message = `error serializing property "${k}": ${err.message}`;', 'child.ts describe'],
  ['runtime/rpc.js', 'const outputs = outputsStruct.toJavaScript();', 'RegisterAnswer.getObject'],
  [
    'runtime/resource.js',
    'for (const [k, propertyDeps] of resp.getPropertydependenciesMap().entries())',
    'RegisterAnswer',
  ],
  ['runtime/resource.js', 'resp.getResult() !== resproto.Result.SUCCESS', 'RegisterAnswer.getResult'],
  ['output.js', 'return ob[prop];', 'readPartsOfSymbols'],
  ['output.js', '}, /*runWithUnknowns:*/ true);', 'readPartsOfSymbols'],
  ['runtime/rpc.js', 'exports.specialSigKey = "4dabf18193072939515e22adb298388d";', 'values.ts'],
  ['runtime/rpc.js', 'exports.specialSecretSig = "1b47061264138c4ac30d75fd1eb44270";', 'values.ts'],
  ['runtime/rpc.js', 'exports.specialResourceSig = "5cf8f73096256a8f31e491e813e4eb8e";', 'values.ts'],
  ['runtime/rpc.js', 'exports.specialAssetSig = "c44067f5952c0a294b673a41bacd8c17";', 'values.ts'],
  ['runtime/rpc.js', 'exports.specialArchiveSig = "0def7320c3a5731c473e5ecbe6d01bc7";', 'values.ts'],
];

/** Every field of a registration: one that is added by an upgrade may be an option that a graph has to keep. */
const fields = [
  'AcceptsByteString Acceptresources Acceptsecrets Additionalsecretoutputs Aliases Aliasspecs Aliasurns Custom Customtimeouts',
  'Deletebeforereplace Deletebeforereplacedefined Deletedwith Dependencies Envvarmappings Hidediffs Hooks Ignorechanges Importid Name',
  'Object Packageref Parent Parentstacktracehandle Pluginchecksums Plugindownloadurl Propertydependencies Protect Provider Providers',
  'Remote ReplaceWith Replaceonchanges ReplacementTrigger Retainondelete Snippetid Sourceposition Stacktrace StateMigrations',
  'Supportspartialvalues Supportsresultreporting Transforms Type Version',
]
  .join(' ')
  .split(' ')
  .sort();

describe('the internals of Pulumi’s SDK that a render leans on', () => {
  it('are those of one version', () => {
    const { version } = load('@pulumi/pulumi/package.json') as { version: string };
    assert.equal(version, knownSdkVersion, why);
  });

  for (const [file, text, use] of places) {
    it(`${use}: ${file} still says ${text.slice(0, 60)}`, () => {
      assert.ok(source(file).includes(text), why);
    });
  }

  it('are a registration with these fields and no other', () => {
    const { RegisterResourceRequest } = load('@pulumi/pulumi/proto/resource_pb.js') as {
      RegisterResourceRequest: { prototype: object };
    };
    const getters = Object.getOwnPropertyNames(RegisterResourceRequest.prototype)
      .filter((name) => /^get(?!.*_as)/.test(name))
      .map((name) => name.slice(3).replace(/(List|Map)$/, ''));
    assert.deepEqual([...new Set(getters)].sort(), fields, why);
  });

  it('exist once: a second copy would not hear of the first', () => {
    const copies = ['@pulumi/aws', '@pulumi/eks', '@pulumi/kubernetes', '@pulumi/random'].map((name) =>
      createRequire(load.resolve(`${name}/package.json`)).resolve('@pulumi/pulumi'),
    );
    assert.deepEqual([...new Set(copies)], [load.resolve('@pulumi/pulumi')]);
  });
});
