import Type, { type Static, type TSchema } from 'typebox';

/** What an object of settings may hold is listed: a key that is misspelt is told, never ignored. */
export const closed = { additionalProperties: false } as const;

export const Count = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });

export const Text = (pattern: string, description: string) => Type.String({ pattern, description });

export const Choice = <const Word extends string>(words: readonly Word[], description: string) =>
  Type.Unsafe<Word>({ type: 'string', enum: words, description });

/** An address range such as 10.20.0.0/16; what it may mean is the planner's to say. */
export const Cidr = (description: string) => Text('^\\d+\\.\\d+\\.\\d+\\.\\d+/\\d+$', description);

/** One of the steps in which CloudWatch keeps logs. */
export const LogRetention = Type.Enum([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653], {
  description: "days, one of CloudWatch's steps such as 30, 90 or 365",
});

export const Cores = (minimum: number, maximum: number) =>
  Type.Number({ minimum, maximum, description: `cores, ${minimum} to ${maximum}` });

export const MemoryMiB = (minimum: number) => Count(minimum, 1_048_576, 'memory in MiB');

export const VolumeGiB = Count(1, 16_000, 'a volume in GiB: it can grow, never shrink');

/**
 * One of several forms, told apart by the word that stands at `kind`: a mistake in one form is told as that form's, not as a failure
 * of every form at once.
 */
export function OneForm<Forms extends readonly TSchema[]>(forms: readonly [...Forms], description: string) {
  return Type.Unsafe<Static<Forms[number]>>({
    type: 'object',
    description,
    required: ['kind'],
    discriminator: { propertyName: 'kind' },
    oneOf: forms,
  });
}
