import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { getStack, log, RunError, runtime } from '@pulumi/pulumi';
import { PlanError } from '../infra/errors.ts';
import { CommandError } from './errors.ts';
import { assertSettingsPinned, diffSettings, readPinnedEnvironment, type ReleaseSource } from './pinned-environment.ts';
import { composePlatform, type PlatformOutputs, type PlatformRequest } from './platform.ts';
import { assertPinMoved } from './promotion/pin.ts';
import type { Places } from './release/places.ts';
import { readBinding, readRelease } from './release/records.ts';
import { renderEnvironment } from './render/environment.ts';
import { provideInfrastructure } from './render/infrastructure.ts';
import { assertRenderPinned } from './render/pinned.ts';
import { settingsOfConfig } from './settings/configuration.ts';

/**
 * Pulumi's entry, run in the folder of Pulumi.yaml with the environment's name as stack. It deploys what the environment's pin
 * names, by the infrastructure program of the release itself, whatever this tree holds; a pin that the ledger does not have, settings
 * that nobody pinned and a render that is not the pinned one stop it.
 */
export default async function program(): Promise<PlatformOutputs> {
  const root = process.cwd();
  const state = process.env['ORRERY_STATE'];
  const places: Places = { root, state: state === undefined || state === '' ? join(root, '.orrery') : resolve(state) };
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
  const recorded = readRelease(places, pin.release);
  const binding = readBinding(places, environment, pin.binding);
  const progress = (line: string) => void log.info(line);
  await assertRenderPinned(
    places,
    pin,
    await renderEnvironment(places, { environment, release: recorded, binding, progress }),
  );
  const folder = await provideInfrastructure(places, recorded, progress);
  const released = (await import(pathToFileURL(join(folder, 'platform.mjs')).href)) as ReleasedProgram;
  return released.composePlatform({ ...request, settings });
}

/** The composition as a release keeps it: what it returns is the release's own, too. */
interface ReleasedProgram {
  composePlatform(request: PlatformRequest): PlatformOutputs;
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

function recordsOf(places: Places): ReleaseSource {
  return {
    pin: (environment) => assertPinMoved(places, environment),
    release: (digest) => readRelease(places, digest).release,
    binding: (environment, digest) => readBinding(places, environment, digest),
  };
}
