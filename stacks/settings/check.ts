import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';
import { CommandError } from '../errors.ts';
import type { SettingsProblem, SettingsRule } from './problem.ts';
import { formOf, type Form, type Settings } from './settings.ts';

const problemsMax = 50;
/** Checks the settings of an environment. Throws one CommandError (`SETTINGS_INVALID`) that names every problem. */
export function checkSettings(environment: string, settings: unknown): Settings {
  const problems = findProblems(environment, settings);
  if (problems.length === 0) return settings as Settings;
  const lines = problems.map(({ path, value, reason, fix }) => {
    const shown = reason === missing ? '' : `${JSON.stringify(value)} `;
    return `  ${path}: ${shown}${reason}; ${fix}`;
  });
  throw new CommandError({
    code: 'SETTINGS_INVALID',
    message: `Pulumi.${environment}.yaml has ${problems.length} problems:\n${lines.join('\n')}`,
    hint: 'mend every line above; nothing was changed',
  });
}

const missing = 'is missing';

/** Every problem: of form, and of what the fields mean together where those that a rule reads have the right form. */
export function findProblems(environment: string, settings: unknown): SettingsProblem[] {
  const { schema, rules }: Form = formOf(settings);
  const validate = new Ajv2020({ allErrors: true, strict: false, verbose: true, discriminator: true }).compile(schema);
  const errors = validate(settings) ? [] : (validate.errors ?? []).filter(tells);
  const malformed = new Set(errors.map(topKeyOf));
  const asked = malformed.has('') ? [] : rules.filter(({ reads }) => !reads.some((key) => malformed.has(key)));
  const found = asked.flatMap((rule: SettingsRule<never>) => rule.find(settings as never, environment));
  return [...errors.map(formProblem), ...found].slice(0, problemsMax);
}

/** The key of the file in which something is malformed; empty when the whole is. */
function topKeyOf({ instancePath, keyword, params }: ErrorObject): string {
  const [, key] = instancePath.split('/');
  if (key !== undefined) return key;
  const { missingProperty, additionalProperty } = params as Record<string, unknown>;
  if (keyword === 'required') return String(missingProperty);
  return keyword === 'additionalProperties' ? String(additionalProperty) : '';
}

/** `anyOf` says in one line what its branches say in several. */
function tells(error: ErrorObject): boolean {
  return error.keyword !== 'const';
}

function formProblem(error: ErrorObject): SettingsProblem {
  const at = error.instancePath.slice(1).replaceAll('/', '.');
  const params: Record<string, unknown> = error.params;
  const schema = error.parentSchema as { description?: string; properties?: Record<string, { description?: string }> };
  if (error.keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    const known = Object.keys(schema.properties ?? {});
    const path = [at, key].filter((part) => part !== '').join('.');
    return { path, value: key, reason: 'is no known key', fix: `did you mean "${closest(key, known)}"?` };
  }
  if (error.keyword === 'required') {
    const key = String(params['missingProperty']);
    const path = [at, key].filter((part) => part !== '').join('.');
    const meaning = schema.properties?.[key]?.description;
    return { path, value: null, reason: missing, fix: meaning === undefined ? 'add it' : `give ${meaning}` };
  }
  const reason = error.message ?? 'is not valid';
  const fix = schema.description ?? 'see stacks/settings';
  return { path: at || 'config', value: error.data, reason, fix };
}
