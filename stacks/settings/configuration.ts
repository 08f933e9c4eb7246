import { knownKeys } from './settings.ts';

const prefix = 'orrery:';

/**
 * The settings of a stack as Pulumi hands its configuration over: text for each key, JSON where the schema asks for more than
 * text. Keys of other namespaces are left out; nothing is checked yet.
 */
export function settingsOfConfig(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const known = knownKeys();
  const entries = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => [key.slice(prefix.length), text] as const);
  return Object.fromEntries(entries.map(([key, text]) => [key, isText(known.get(key)) ? text : parseOrKeep(text)]));
}

function isText(schema: unknown): boolean {
  const { type, enum: words, const: word } = (schema ?? {}) as { type?: unknown; enum?: unknown[]; const?: unknown };
  return type === 'string' || typeof word === 'string' || typeof words?.[0] === 'string';
}

/** A setting that is no JSON stays the text that it is, so that the check can show it. */
function parseOrKeep(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
