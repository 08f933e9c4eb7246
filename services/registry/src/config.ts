import Type from 'typebox';

export const settings = Type.Object({
  parityRowsMin: Type.Integer({
    minimum: 100,
    default: 1000,
    description: 'a parity certificate over fewer rows is refused',
  }),
});
