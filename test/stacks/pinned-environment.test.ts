import assert from 'node:assert/strict';
import { digestOf } from '@orrery/contracts/digest';
import { CommandError } from '#stacks/errors.ts';
import {
  assertSettingsPinned,
  diffSettings,
  readPinnedEnvironment,
  type ReleaseSource,
} from '#stacks/pinned-environment.ts';
import { cloudRelease, digestOfRelease } from '#test/support/cloud-release.ts';

const release = cloudRelease();
const binding = { schema: 1 as const, environment: 'dev', settings: { region: 'eu-west-1' } };
const pin = {
  schema: 2 as const,
  release: digestOfRelease(release),
  binding: digestOf('binding', binding),
  render: digestOf('render', {}),
};

const source: ReleaseSource = {
  pin: () => pin,
  release: () => release,
  binding: () => binding,
};

function failsAs(code: string, ...texts: string[]) {
  return (error: unknown) =>
    error instanceof CommandError &&
    error.code === code &&
    texts.every((text) => `${error.message} ${error.hint}`.includes(text));
}

describe('what an environment stands on', () => {
  it('is the release and the settings that its pin names', () => {
    assert.deepEqual(readPinnedEnvironment(source, 'dev'), { pin, release, settings: { region: 'eu-west-1' } });
  });

  it('is never another environment’s binding', () => {
    assert.throws(() => readPinnedEnvironment(source, 'prod'), failsAs('BINDING_FOREIGN', 'a binding of dev'));
  });
});

describe('settings that are not the pinned ones', () => {
  const pinned = { network: { nat: 'single', zones: ['a', 'b'] }, gpuMax: 1, region: 'eu-west-1' };
  const configured = { network: { nat: 'perZone', zones: ['b', 'a'] }, gpuMax: 1, extra: true };

  it('are told one by one: changed, added and left out', () => {
    assert.deepEqual(diffSettings(pinned, configured), [
      { path: 'extra', pinned: undefined, configured: true },
      { path: 'network.nat', pinned: 'single', configured: 'perZone' },
      { path: 'network.zones', pinned: ['a', 'b'], configured: ['b', 'a'] },
      { path: 'region', pinned: 'eu-west-1', configured: undefined },
    ]);
    assert.deepEqual(diffSettings(pinned, structuredClone(pinned)), []);
  });

  it('stop the deployment as unsafe, with both values and both ways out', () => {
    assert.doesNotThrow(() => assertSettingsPinned('dev', pinned, structuredClone(pinned)));
    assert.throws(
      () => assertSettingsPinned('dev', pinned, configured),
      (error) =>
        failsAs(
          'SETTINGS_NOT_PINNED',
          'network.nat: pinned "single", configured "perZone"',
          'region: pinned "eu-west-1", configured nothing',
          'npx orrery pin dev RELEASE',
          'git checkout -- Pulumi.dev.yaml',
        )(error) && (error as CommandError).exitCode === 3,
    );
  });
});
