/** Where a text is not what it was. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
  /** What is there from this place on. */
  readonly stands: string;
  /** What was there when it was recorded. */
  readonly stood: string;
}

const shownMax = 60;

/** Where two texts first differ; lines and columns count from 1. Undefined when they are the same. */
export function firstDifference(stood: string, stands: string): TextPlace | undefined {
  if (stood === stands) return undefined;
  let at = 0;
  while (at < stood.length && at < stands.length && stood[at] === stands[at]) at += 1;
  const before = stood.slice(0, at);
  const rest = (text: string) => {
    const line = text.slice(at).split('\n')[0] ?? '';
    return at >= text.length ? 'nothing' : line.slice(0, shownMax) || 'the end of a line';
  };
  const line = before.split('\n').length;
  return { line, column: at - before.lastIndexOf('\n'), stands: rest(stands), stood: rest(stood) };
}
