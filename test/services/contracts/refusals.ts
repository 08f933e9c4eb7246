import assert from 'node:assert/strict';
import { it } from 'mocha';
import { readDefinition } from '#services/contracts/src/definition.ts';

/** What is wrong, the text after the head below, then line:column, a part of the message and a part of the hint. */
export type Refusal = readonly [what: string, text: string, at: string, message: string, hint: string];

/** Six lines: what a case says begins at line 7. */
export const head = `kind: Workflow
schema: 1
name: demo
owner: people
triggers:
  - manual: true
`;

/** One test for each: the definition is refused with exactly this one problem. */
export function refuse(cases: readonly Refusal[]): void {
  for (const [what, text, at, message, hint] of cases) {
    it(what, () => {
      const read = readDefinition(`${head}${text}`, 'demo.yaml');
      assert.equal(read.ok, false, 'the definition should be refused');
      const told = read.problems.map(
        (problem) => `${problem.line}:${problem.column} ${problem.message} | ${problem.hint}`,
      );
      assert.equal(told.length, 1, told.join('\n'));
      const [problem] = read.problems;
      assert.ok(problem !== undefined);
      assert.equal(`${problem.file}:${problem.line}:${problem.column}`, `demo.yaml:${at}`, told.join('\n'));
      assert.ok(problem.message.includes(message), told.join('\n'));
      assert.ok(problem.hint.includes(hint), told.join('\n'));
    });
  }
}
