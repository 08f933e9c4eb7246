import { existsSync } from 'node:fs';
import { closest } from 'fastest-levenshtein';
import { hasSettings, knownEnvironments } from '../change/naming.ts';
import { CommandError } from '../errors.ts';
import { pinFile, type Places } from '../release/places.ts';

/** What names an environment: also a part of file names, of a ref and of a stack. */
const environmentName = /^[a-z][a-z0-9-]*$/;

/** The word, when it names an environment: one that has a file of settings, or a pin from a time when it had one. */
export function assertEnvironment(places: Places, word: string): string {
  if (environmentName.test(word) && (hasSettings(places, word) || existsSync(pinFile(places, word)))) return word;
  const known = knownEnvironments(places);
  const nearest = known.length === 0 ? '' : `did you mean "${closest(word, known)}"? there is: ${known.join(', ')}. `;
  throw new CommandError({
    code: 'ENVIRONMENT_UNKNOWN',
    message: `there is no environment "${word}"`,
    hint: `${nearest}An environment is a file Pulumi.<env>.yaml beside Pulumi.yaml`,
    exitCode: 2,
  });
}
