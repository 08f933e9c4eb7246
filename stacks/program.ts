import { join } from 'node:path';
import { getStack, log, RunError, runtime } from '@pulumi/pulumi';
import { shortDigest } from '@orrery/contracts/digest';
import type { Release } from '@orrery/contracts/release';
import { PlanError } from '../infra/errors.ts';
import { CommandError } from './errors.ts';
import { assertSettingsPinned, diffSettings, readPinnedEnvironment, type ReleaseSource } from './pinned-environment.ts';
import { composePlatform, type PlatformOutputs } from './platform.ts';
import { bundleInfrastructure, describeBundle } from './release/bundle.ts';
import { readPin } from './promotion/pin.ts';
import type { Places } from './release/places.ts';
import { readBinding, readRelease } from './release/records.ts';
import { settingsOfConfig } from './settings.ts';

/**
 * Pulumi's entry, run in the folder of Pulumi.yaml with the environment's name as stack. It deploys what the environment's pin
 * names, or nothing: a release whose infrastructure differs from this tree's, and settings that nobody pinned, both stop it.
 */
export default async function program(): Promise<PlatformOutputs> {
  const root = process.cwd();
  const places: Places = { root, state: join(root, '.orrery') };
  try {
    return await deploy(places, getStack(), process.env['ORRERY_WORKING_TREE'] === '1');
  } catch (error) {
    // Pulumi shows a RunError as it is, without the stack of a program that did what it should.
    if (error instanceof CommandError) throw new RunError(`${error.code}: ${error.message}\n  ${error.hint}`);
    if (error instanceof PlanError) throw new RunError(`${error.code}: ${error.message}`);
    throw error;
  }
}

async function deploy(places: Places, environment: string, workingTree: boolean): Promise<PlatformOutputs> {
  const configured = settingsOfConfig(runtime.allConfig());
  const { pin, release, settings } = readPinnedEnvironment(recordsOf(places), environment);
  const request = { environment, release, releaseDigest: pin.release };
  if (workingTree) {
    await announceWorkingTree(environment, diffSettings(settings, configured).length);
    return composePlatform({ ...request, settings: configured });
  }
  assertSettingsPinned(environment, settings, configured);
  await assertReleasedInfrastructure(places, environment, release);
  return composePlatform({ ...request, settings });
}

/** This tree and its settings may be looked at with the pinned release's services, and nothing more: they are no release. */
async function announceWorkingTree(environment: string, differences: number): Promise<void> {
  if (!runtime.isDryRun()) {
    throw new CommandError({
      code: 'WORKING_TREE_DEPLOYED',
      message: `ORRERY_WORKING_TREE=1 would deploy to ${environment} what is no release`,
      hint: 'use it with pulumi preview only; to deploy: npx orrery release create, then npx orrery pin',
      exitCode: 3,
    });
  }
  const what = `infra/ and Pulumi.${environment}.yaml as they lie here`;
  await log.warn(`WORKING TREE, no release: ${what} (${differences} settings differ from the pinned binding)`);
}

/**
 * The release names the infrastructure program that it was tested with. This tree's must be the same, byte for byte once bundled:
 * so a change of infra/ reaches an environment only by a release.
 */
async function assertReleasedInfrastructure({ root }: Places, environment: string, release: Release): Promise<void> {
  const { digest } = describeBundle(await bundleInfrastructure(root));
  const pinned = release.infrastructure.bundle;
  if (digest === pinned) return;
  throw new CommandError({
    code: 'INFRASTRUCTURE_NOT_PINNED',
    message: `this tree's infrastructure is ${shortDigest(digest)}, the release that ${environment} stands on has ${shortDigest(pinned)}`,
    hint: `check out the commit in the release's provenance.json, or make a release of this tree and pin it; only to look: ORRERY_WORKING_TREE=1 pulumi preview`,
    exitCode: 3,
  });
}

function recordsOf(places: Places): ReleaseSource {
  return {
    pin: (environment) => readPin(places, environment),
    release: (digest) => readRelease(places, digest).release,
    binding: (environment, digest) => readBinding(places, environment, digest),
  };
}
