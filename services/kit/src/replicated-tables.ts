/** Insides of comments and texts are passed over; what is left can only be an engine or a setting. */
const tokens =
  /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|`[^`]*`|"[^"]*"|(?<![\w.])(?:(?<engine>ENGINE\s*=?\s*)(?!Replicated|Shared)(?<tree>[A-Za-z]*MergeTree)|non_replicated_deduplication_window(?<window>\s*=\s*\d+))\b/gi;

/**
 * How long a replicated table knows a block that it was told. A plain one knows its blocks by number alone, so the time is made long
 * enough for a writer that stood still over days and then tells its last block again.
 */
const rememberedSeconds = 30 * 24 * 60 * 60;

/**
 * A statement as it has to be said in a database of the engine `Replicated`: there a table of a plain MergeTree exists on every
 * replica, but each replica keeps the rows that it was given itself. Engines keep their own arguments; where the replicas meet is the
 * database's to say. The window of insert tokens moves along, since each kind of table has its own setting for it.
 */
export function replicateTables(statement: string): string {
  return statement.replace(tokens, (token: string, ...found: unknown[]) => {
    const { engine, tree, window } = found.at(-1) as Partial<Record<'engine' | 'tree' | 'window', string>>;
    if (engine !== undefined && tree !== undefined) return `${engine}Replicated${tree}`;
    if (window === undefined) return token;
    return `replicated_deduplication_window${window}, replicated_deduplication_window_seconds = ${rememberedSeconds}`;
  });
}
