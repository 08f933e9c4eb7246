import type { FeatureSet } from '@orrery/contracts/definitions/feature-set';
import { closest } from 'fastest-levenshtein';
import { expressionWords, functionNames, reasonAgainst } from './functions.ts';
import type { Template, TemplateItem, TemplateWindow } from './template.ts';
import type { TemplateProblem, Token } from './tokens.ts';

/** Everything wrong with the names of a template: each must be a column of the row, a window's measure or a known function. */
export function checkTemplate(set: FeatureSet, template: Template): TemplateProblem[] {
  const used = new Set<string>();
  return [
    ...template.items.flatMap((item) => checkExpression({ set, template, used }, item)),
    ...checkItemNames(set, template),
    ...template.windows.flatMap((window, index) => checkWindow(set, template, window, index)),
    ...template.windows.filter(({ alias }) => !used.has(alias)).map(unread),
  ];
}

interface Scope {
  readonly set: FeatureSet;
  readonly template: Template;
  /** The windows that some expression reads. */
  readonly used: Set<string>;
}

function checkExpression(scope: Scope, item: TemplateItem): TemplateProblem[] {
  const tokens = item.expression;
  const unbalanced = findUnbalanced(tokens);
  if (unbalanced !== undefined) return [unbalanced];
  return tokens.flatMap((token, index) => {
    const before = tokens[index - 1];
    if (token.kind === 'placeholder') {
      const hint = 'placeholders stand after FROM and LEFT JOIN';
      return [{ offset: token.offset, message: `{{ ${token.text} }} is no value`, hint }];
    }
    if (token.text === '*' && !endsOperand(before)) {
      return [
        { offset: token.offset, message: '"*" names no feature', hint: 'name each feature: <expression> AS <feature>' },
      ];
    }
    if (token.text === '.' && before?.kind !== 'word') {
      return [{ offset: token.offset, message: '"." has no place here', hint: 'write <window>.<measure>' }];
    }
    if (token.kind !== 'word' || before?.text === '.') return [];
    return checkWord(scope, token, tokens[index + 1], tokens[index + 2]);
  });
}

/** An expression that closed what it didn't open could end the call that the compiler lays around it. */
function findUnbalanced(tokens: readonly Token[]): TemplateProblem | undefined {
  const open: Token[] = [];
  const hint = 'each ( has its )';
  for (const token of tokens) {
    if (token.text === '(') open.push(token);
    if (token.text !== ')' || open.pop() !== undefined) continue;
    return { offset: token.offset, message: 'this ) closes nothing', hint };
  }
  const [first] = open;
  return first === undefined ? undefined : { offset: first.offset, message: 'this ( is never closed', hint };
}

function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  return token.kind === 'number' || token.kind === 'string' || token.kind === 'word' || token.text === ')';
}

function checkWord(scope: Scope, word: Token, next?: Token, afterNext?: Token): TemplateProblem[] {
  if (next?.text === '.') return checkMeasure(scope, word, afterNext);
  if (word.text.toUpperCase() === 'IN' && next?.text !== '(') {
    return [{ offset: word.offset, message: 'IN has no list', hint: "write IN ('a', 'b')" }];
  }
  if (expressionWords.has(word.text.toUpperCase())) return [];
  if (next?.text === '(') return checkFunction(word);
  if (word.text in scope.set.rows.columns) return [];
  return [{ offset: word.offset, ...describeUnknown(scope.set, word.text) }];
}

function checkMeasure(scope: Scope, window: Token, measure: Token | undefined): TemplateProblem[] {
  const aliases = scope.template.windows.map(({ alias }) => alias);
  if (!aliases.includes(window.text)) {
    const hint = aliases.length > 0 ? nearest(window.text, aliases) : 'join one: LEFT JOIN {{ history(28) }} AS <name>';
    return [{ offset: window.offset, message: `"${window.text}" is no window of the past`, hint }];
  }
  scope.used.add(window.text);
  const measures = Object.keys(scope.set.history.measures);
  if (measure?.kind === 'word' && measures.includes(measure.text)) return [];
  const { offset, text } = measure ?? window;
  return [{ offset, message: `"${text}" is no measure of the past`, hint: nearest(text, measures) }];
}

function checkFunction(word: Token): TemplateProblem[] {
  if (functionNames.has(word.text)) return [];
  const allowed = [...functionNames];
  const hint = reasonAgainst(word.text) ?? nearest(word.text, allowed);
  return [{ offset: word.offset, message: `the function ${word.text} isn't allowed`, hint }];
}

function describeUnknown({ rows, history }: FeatureSet, name: string): { message: string; hint: string } {
  const columns = Object.keys(rows.columns);
  if (name === rows.label.column) {
    const hint = `it is only known afterwards; what is known: ${columns.join(', ')}`;
    return { message: `the label "${name}" can't be read`, hint };
  }
  if (rows.identity.includes(name)) {
    const hint = `a row that is scored has none; what is known: ${columns.join(', ')}`;
    return { message: `"${name}" only names a row and can't be read`, hint };
  }
  if (name in history.measures) {
    const hint = `say of which window: <window>.${name}`;
    return { message: `"${name}" is a measure of the past`, hint };
  }
  const message = `"${name}" is no column of the rows`;
  const tables = [rows.table, history.table, 'SELECT', 'FROM', 'JOIN', 'WITH', 'OVER'];
  if (!tables.includes(name.toLowerCase()) && !tables.includes(name.toUpperCase())) {
    return { message, hint: nearest(name, columns) };
  }
  return {
    message,
    hint: 'a template is one SELECT over {{ rows }} and {{ history(days, key, …) }}: no other query, no table',
  };
}

function checkItemNames(set: FeatureSet, { items }: Template): TemplateProblem[] {
  const declared = set.features.map(({ name }) => name);
  const problems = items.flatMap((item, index) => {
    const { name, offset } = item;
    if (!declared.includes(name)) {
      return [{ offset, message: `"${name}" isn't declared under features`, hint: nearest(name, declared) }];
    }
    if (items.findIndex((other) => other.name === name) === index) return [];
    return [{ offset, message: `the feature "${name}" is computed a second time`, hint: 'delete one' }];
  });
  const missing = declared.filter((name) => !items.some((item) => item.name === name));
  return [
    ...problems,
    ...missing.map((name) => ({
      offset: 0,
      message: `the feature "${name}" is declared and not computed`,
      hint: `add <expression> AS ${name}`,
    })),
  ];
}

function checkWindow(set: FeatureSet, { windows }: Template, window: TemplateWindow, index: number): TemplateProblem[] {
  const { alias, days, keys, offset } = window;
  const { daysMax, keys: known } = set.history;
  const problems: TemplateProblem[] = [];
  if (days < 1 || days > daysMax) {
    const hint = `1 to ${daysMax} days; history.daysMax is the bound`;
    problems.push({ offset, message: `the window "${alias}" is ${days} days long`, hint });
  }
  for (const key of keys.filter((name, place) => !known.includes(name) || keys.indexOf(name) !== place)) {
    const message = `the past can't be looked up by "${key}"`;
    problems.push({ offset, message, hint: `${nearest(key, known)}; each at most once` });
  }
  if (windows.findIndex((other) => other.alias === alias) !== index) {
    problems.push({ offset, message: `a second window is called "${alias}"`, hint: 'give it another name' });
  }
  return problems;
}

function unread({ alias, offset }: TemplateWindow): TemplateProblem {
  return {
    offset,
    message: `no feature reads the window "${alias}"`,
    hint: `read ${alias}.<measure>, or delete the join`,
  };
}

function nearest(word: string, words: readonly string[]): string {
  return `did you mean "${closest(word, words)}"? allowed: ${words.join(', ')}`;
}
