import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { closest } from 'fastest-levenshtein';
import { CommandError } from '../errors.ts';
import type { SettingsProblem, SettingsRule } from './problem.ts';
import { formOf, forms, type Form, type Settings } from './settings.ts';

const problemsMax = 50;
/** Checks the settings of an environment. Throws one CommandError (`SETTINGS_INVALID`) that names every problem. */
export function checkSettings(environment: string, settings: unknown): Settings {
  const problems = findProblems(environment, settings);
  if (problems.length === 0) return settings as Settings;
  const lines = problems.map(({ path, value, reason, fix }) => {
    const shown = reason === missing || reason === empty ? '' : `${JSON.stringify(value)} `;
    return `  ${path}: ${shown}${reason}; ${fix}`;
  });
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  throw new CommandError({
    code: 'SETTINGS_INVALID',
    message: `Pulumi.${environment}.yaml has ${count}:\n${lines.join('\n')}`,
    hint: 'mend every line above; nothing was changed',
  });
}

const missing = 'is missing';
const empty = 'is empty';

/** Every problem: of form, and of what the fields mean together where those that a rule reads have the right form. */
export function findProblems(environment: string, settings: unknown): SettingsProblem[] {
  if (isEmpty(settings)) return [emptyProblem(settings)];
  const { schema, rules }: Form = formOf(settings);
  const validate = validatorOf(schema);
  const errors = validate(settings) ? [] : (validate.errors ?? []).filter(tells);
  const malformed = new Set(errors.map(topKeyOf));
  const asked = malformed.has('') ? [] : rules.filter(({ reads }) => !reads.some((key) => malformed.has(key)));
  const found = asked.flatMap((rule: SettingsRule<never>) => rule.find(settings as never, environment));
  return [...errors.map(formProblem), ...found].slice(0, problemsMax);
}

const validators = new Map<object, ValidateFunction>();

/** Compiling takes longer than checking: once for each of the few forms. */
function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = new Ajv2020({ allErrors: true, strict: false, verbose: true, discriminator: true }).compile(schema);
  validators.set(schema, made);
  return made;
}

function isEmpty(settings: unknown): boolean {
  return typeof settings !== 'object' || settings === null || Object.keys(settings).length === 0;
}

/** One problem instead of as many as there are keys. */
function emptyProblem(settings: unknown): SettingsProblem {
  const fix =
    'copy below config what Pulumi.dev.yaml says (a cloud of its own) or Pulumi.kubernetes.yaml (a cluster that is there ' +
    'already), each key with orrery: before it, and change it';
  return { path: 'config', value: settings ?? null, reason: empty, fix };
}

/** The key of the file in which something is malformed; empty when the whole is. */
function topKeyOf({ instancePath, keyword, params }: ErrorObject): string {
  const [, key] = instancePath.split('/');
  if (key !== undefined) return key;
  const { missingProperty, additionalProperty } = params as Record<string, unknown>;
  if (keyword === 'required') return String(missingProperty);
  return keyword === 'additionalProperties' ? String(additionalProperty) : '';
}

/** A form without its `kind` is told as a key that is missing, and not once more as one that is no text. */
function tells({ keyword, params }: ErrorObject): boolean {
  return keyword !== 'discriminator' || (params as Record<string, unknown>)['tagValue'] !== undefined;
}

interface Field {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Field>>;
  readonly oneOf?: readonly Field[];
  readonly const?: unknown;
}

function formProblem(error: ErrorObject): SettingsProblem {
  const at = error.instancePath.slice(1).replaceAll('/', '.');
  const params: Record<string, unknown> = error.params;
  const field = error.parentSchema as Field;
  const inside = (key: unknown) => [at, String(key)].filter((part) => part !== '').join('.');
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const fix = `did you mean "${closest(key, Object.keys(field.properties ?? {}))}"?`;
      return { path: inside(key), value: key, reason: 'is no known key', fix };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      return { path: inside(key), value: null, reason: missing, fix: `give ${meaningOf(key, field)}` };
    }
    case 'discriminator': {
      const { tag, tagValue: value } = params;
      const words = (field.oneOf ?? []).map(({ properties }) => properties?.[String(tag)]?.const);
      return { path: inside(tag), value, reason: unknownWord, fix: wordFix(words, value, field.description) };
    }
    case 'enum':
    case 'const': {
      const words = (params['allowedValues'] as unknown[] | undefined) ?? [params['allowedValue']];
      const known = at === 'target' ? Object.keys(forms) : words;
      const fix = wordFix(known, error.data, field.description);
      return { path: at, value: error.data, reason: unknownWord, fix };
    }
    default: {
      const fix = field.description ?? keysOf(field);
      return { path: at || 'config', value: error.data, reason: error.message ?? 'is not valid', fix };
    }
  }
}

const unknownWord = 'must be equal to one of the allowed values';

/** What a missing key would say. */
function meaningOf(key: string, { description, properties }: Field): string {
  const field = properties?.[key];
  if (field === undefined) return description ?? `the key ${key}`;
  return field.description ?? keysOf(field);
}

function keysOf({ properties }: Field): string {
  return properties === undefined
    ? 'what its schema in stacks/settings says'
    : `keys ${Object.keys(properties).join(', ')}`;
}

/** Every word that is allowed, what they mean, and the one that was probably meant. */
function wordFix(words: readonly unknown[], value: unknown, meaning = ''): string {
  const texts = words.map(String);
  const list = texts.every((word) => meaning.includes(word)) ? '' : `one of ${texts.join(', ')}`;
  const nearest = nearestOf(words, value);
  const question = nearest === undefined ? '' : `did you mean ${nearest}?`;
  return [list, meaning, question].filter((part) => part !== '').join('; ');
}

/** Numbers by their distance, words by their letters; nothing for what is neither. */
function nearestOf(words: readonly unknown[], value: unknown): string | undefined {
  if (typeof value === 'string') return closest(value, words.map(String));
  if (typeof value !== 'number') return undefined;
  const away = (number: number) => Math.abs(number - value);
  const numbers = words.filter((word) => typeof word === 'number');
  return numbers.toSorted((left, right) => away(left) - away(right))[0]?.toString();
}
