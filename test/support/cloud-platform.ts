import { composePlatform, type PlatformOutputs } from '#stacks/platform.ts';
import { cloudRelease, digestOfRelease, settingsOfFile } from './cloud-release.ts';
import { record, type Recording } from './pulumi.ts';

/** Everything that an environment asks for, from the release that the tests write by hand and the environment's own file. */
export function recordPlatform(
  environment: string,
  settings: unknown = settingsOfFile(environment),
): Promise<Recording<PlatformOutputs>> {
  const release = cloudRelease();
  const request = { environment, release, releaseDigest: digestOfRelease(release), settings };
  return record(() => composePlatform(request), { stack: environment });
}
