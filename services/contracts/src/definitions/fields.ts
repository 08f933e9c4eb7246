import Type from 'typebox';

/** The fields that every definition has. Names are fixed for life: they are in keys, rows and digests. */
export const Name = Type.String({
  pattern: '^[a-z][a-z0-9-]{0,62}$',
  description: 'lower-case letters, digits and hyphens, starting with a letter; at most 63 characters',
});

export const Tenant = Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'who is served; default main' });

export const Schema = Type.Literal(1, { description: 'the version of this kind of definition' });

export const Day = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'a day, YYYY-MM-DD' });

export const Identifier = Type.String({
  pattern: '^[a-z][a-z0-9_]{0,62}$',
  description: 'a column or table: lower-case letters, digits and underscores',
});

export const closed = { additionalProperties: false } as const;
