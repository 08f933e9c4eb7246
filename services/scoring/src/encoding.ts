import Type, { type Static } from 'typebox';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { featureInvalid, pairBroken } from './errors.ts';

/** How raw feature rows become the vectors that the export takes; written by training, whose README has the rules. */
const SpecSchema = Type.Object({
  schema: Type.Literal(1),
  output: Type.Object({ name: Type.String() }),
  missing: Type.Literal('nan'),
  target: Type.Object({ unit: Type.String() }),
  inputs: Type.Array(
    Type.Union([
      Type.Object({ name: Type.String(), type: Type.Literal('number') }),
      Type.Object({
        name: Type.String(),
        type: Type.Literal('category'),
        encoding: Type.Object({ values: Type.Record(Type.String(), Type.Number()), unseen: Type.Number() }),
      }),
    ]),
    { minItems: 1 },
  ),
});
export type Spec = Static<typeof SpecSchema>;

const check = new Ajv2020({ strict: false }).compile(SpecSchema);

export function readSpec(pair: string, document: unknown): Spec {
  if (check(document)) return document;
  const [first] = check.errors ?? [];
  throw pairBroken(pair, `spec.json${first?.instancePath ?? ''} ${first?.message ?? 'is not valid'}`);
}

/** Rows in the order of the specification, row after row. A null is NaN; a number is rounded to the nearest float32. */
export function encodeRows(spec: Spec, rows: readonly Readonly<Record<string, unknown>>[]): Float32Array {
  const width = spec.inputs.length;
  const vectors = new Float32Array(rows.length * width);
  rows.forEach((row, index) => {
    spec.inputs.forEach((input, column) => {
      vectors[index * width + column] = encode(input, row[input.name]);
    });
  });
  return vectors;
}

function encode(input: Spec['inputs'][number], value: unknown): number {
  if (value === null || value === undefined) return Number.NaN;
  if (input.type === 'number' && (typeof value === 'number' || typeof value === 'bigint')) return Number(value);
  if (input.type === 'category' && typeof value === 'string') {
    const { values, unseen } = input.encoding;
    return (Object.hasOwn(values, value) ? values[value] : undefined) ?? unseen;
  }
  throw featureInvalid(input.name, input.type, value);
}
