import Type, { type Static } from 'typebox';
import { closed, Name } from './definitions/fields.ts';
import { DigestField } from './release.ts';

/** One environment's parameters, frozen; secret references only. */
export const Binding = Type.Object(
  {
    schema: Type.Literal(1),
    environment: Name,
    settings: Type.Record(Type.String(), Type.Unknown()),
  },
  closed,
);
export type Binding = Static<typeof Binding>;

/** What a release and a binding mean together: the digest of the whole graph of resources. Recomputable, so only its digest is kept. */
export const Render = Type.Object(
  {
    schema: Type.Literal(1),
    environment: Name,
    release: DigestField,
    binding: DigestField,
    graph: Type.Unsafe<`sha256:${string}`>({
      ...DigestField,
      description: 'of the graph as text, one resource a line',
    }),
    resources: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type Render = Static<typeof Render>;

/** What an environment stands on. Changing the pin is the only way to change the environment. */
export const Pin = Type.Object(
  { schema: Type.Literal(2), release: DigestField, binding: DigestField, render: DigestField },
  closed,
);
export type Pin = Static<typeof Pin>;
