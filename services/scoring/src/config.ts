import Type from 'typebox';

export const settings = Type.Object({
  decimals: Type.Integer({ minimum: 0, maximum: 9, default: 2, description: 'decimals of a prediction in an answer' }),
  rowsMax: Type.Integer({ minimum: 1, maximum: 10_000, default: 1000, description: 'rows of one request' }),
  threads: Type.Integer({ minimum: 1, maximum: 64, default: 1, description: 'threads of one inference' }),
  batchRowsMax: Type.Integer({
    minimum: 100,
    maximum: 100_000,
    default: 20_000,
    description: 'rows of one insert of a batch',
  }),
});
