import { isatty } from 'node:tty';
import type { Change } from '../change/change.ts';
import { formatMarkdown } from '../change/markdown.ts';
import { formatTerminals } from '../change/terminal.ts';
import type { Values } from './verb.ts';

/** How a change may be asked for, beside --json. */
export const outputOptions = { plain: { type: 'boolean' }, markdown: { type: 'boolean' } } as const;

/** Changes as text: for a terminal, a screen reader or a pull request. */
export function formatChanges(changes: readonly Change[], values: Values, reproduce: string): string {
  if (values['markdown'] === true) return formatMarkdown(changes, { reproduce }).trimEnd();
  return formatTerminals(changes, { plain: values['plain'] === true, color: isColorful() });
}

/** no-color.org: any value that is not empty turns colour off. A pipe gets none, whatever else the environment promises. */
function isColorful(): boolean {
  const { NO_COLOR = '', TERM } = process.env;
  return isatty(1) && NO_COLOR === '' && TERM !== 'dumb';
}
