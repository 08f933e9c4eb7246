import type { FeatureSet, RowColumnType } from '@orrery/contracts/definitions/feature-set';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import Type, { type TSchema } from 'typebox';
import { dayNumber } from './days.ts';
import { rowsInvalid } from './errors.ts';
import type { GivenRow } from './vectors.ts';

const closed = { additionalProperties: false } as const;
const problemsMax = 20;
const textMax = 200;

const wholeNumbers: Readonly<Record<string, readonly [number, number]>> = {
  UInt8: [0, 255],
  UInt16: [0, 65_535],
  UInt32: [0, 4_294_967_295],
  Int8: [-128, 127],
  Int16: [-32_768, 32_767],
  Int32: [-2_147_483_648, 2_147_483_647],
};

function schemaOf(type: RowColumnType): TSchema {
  const bounds = wholeNumbers[type];
  if (bounds !== undefined) return Type.Integer({ minimum: bounds[0], maximum: bounds[1] });
  if (type === 'Date') return Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
  return type === 'String' ? Type.String({ maxLength: textMax }) : Type.Number();
}

/** Checks rows of a request against what the feature set declares of a row. */
export type RowsCheck = (rows: unknown) => readonly GivenRow[];

/** Throws `REQUEST_INVALID` with the row and the column of each problem, or `DAY_INVALID`. */
export function createRowsCheck({ rows: declared }: FeatureSet, rowsMax: number): RowsCheck {
  const columns = Object.entries(declared.columns);
  const row = Type.Object(Object.fromEntries(columns.map(([name, type]) => [name, schemaOf(type)])), closed);
  const schema = Type.Array(row, { minItems: 1, maxItems: rowsMax });
  const validate: ValidateFunction = new Ajv2020({ allErrors: true, strict: false }).compile(schema);
  const described = columns.map(([name, type]) => `${name} (${type})`).join(', ');
  const dates = columns.filter(([, type]) => type === 'Date').map(([name]) => name);
  return (rows) => {
    if (!validate(rows)) throw rowsInvalid(describeErrors(validate), described);
    const checked = rows as GivenRow[];
    for (const [index, given] of checked.entries()) {
      for (const column of dates) dayNumber(String(given[column]), `rows.${index}.${column}`);
    }
    return checked;
  };
}

function describeErrors({ errors }: ValidateFunction): string[] {
  const problems = (errors ?? []).map((error) => {
    const place = ['rows', ...error.instancePath.split('/').slice(1)].join('.');
    const extra = (error.params as Record<string, unknown>)['additionalProperty'];
    return `${place} ${error.message ?? 'is not valid'}${typeof extra === 'string' ? `: "${extra}"` : ''}`;
  });
  const more = problems.length - problemsMax;
  return more > 0 ? [...problems.slice(0, problemsMax), `and ${more} more`] : problems;
}
