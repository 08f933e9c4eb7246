import { describe } from 'mocha';
import { refuse } from './refusals.ts';

/** `x` stands at line 12, in the step `b`, which needs `a` and not `m`. */
const inB = (value: string, needs = '[a]') =>
  `steps:\n  - { name: a, uses: task, with: { handler: h } }\n  - name: b\n    needs: ${needs}\n    uses: task\n    with: { handler: h, input: { x: "${value}" } }\n  - { name: m, needs: [a], uses: map, with: { over: "\${{ steps.a.result }}" }, step: { uses: task, with: { handler: h } } }\n`;
const mapOf = (body: string) =>
  `steps:\n  - { name: a, uses: task, with: { handler: h } }\n  - name: m\n    needs: [a]\n    uses: map\n    with: { over: "\${{ steps.a.result }}" }\n    step: ${body}\n`;
const limited = (key: string) =>
  `steps:\n  - { name: a, uses: task, with: { handler: h } }\n  - name: b\n    needs: [a]\n    uses: task\n    with: { handler: h }\n    limit: { key: "${key}", max: 1 }\n`;

describe('an expression of a workflow is refused', () => {
  refuse([
    [
      'that names the item outside of a map',
      inB('${{ item.id }}'),
      '12:34',
      '"item.id": item is known only inside of the step of a map',
      'begins with parameters, steps, run, needs',
    ],
    [
      'that names the place in the list outside of a map',
      inB('${{ index }}'),
      '12:34',
      'index is known only inside of the step of a map',
      '',
    ],
    [
      'that names the event outside of a trigger',
      inB('${{ event.x }}'),
      '12:34',
      'event is known only in the parameters of a trigger',
      '',
    ],
    [
      'that asks for a step that may run beside it',
      inB('${{ steps.m.result.items }}'),
      '12:34',
      'the step "b" may start before "m" has ended',
      'add "m" to the needs of "b"',
    ],
    [
      'that asks for its own result',
      inB('${{ steps.b.result }}'),
      '12:34',
      'the step "b" has no result before it has ended',
      'name a step before it',
    ],
    [
      'that asks a step that is no map for results',
      inB('${{ steps.a.results }}'),
      '12:34',
      'only a map has results, "a" uses task',
      'write steps.a.result',
    ],
    [
      'that names a need which the step does not have',
      inB('${{ needs.aa.x }}'),
      '12:34',
      '"aa" is none of its needs',
      'did you mean "a"?',
    ],
    [
      'that names needs where there are none',
      inB('${{ needs }}', '[]'),
      '12:34',
      'the step "b" has no needs',
      'give it needs',
    ],
    ['that begins with a misspelt word', inB('${{ paramters.day }}'), '12:34', 'did you mean "parameters"?', ''],
    ['that names no step', inB('${{ steps }}'), '12:34', 'there is no step ""', 'known: a, b, m'],
    ['that looks into a field of the run', inB('${{ run.day.month }}'), '12:34', '"day" has no parts', 'write run.day'],
    [
      'with more parts than anything has',
      inB(`\${{ needs.a${'.x'.repeat(32)} }}`),
      '12:34',
      'has 33 parts; a path has at most 32',
      '',
    ],
    [
      'longer than anyone reads',
      inB(`\${{ needs.a.${'x'.repeat(500)} }}`),
      '12:34',
      'an expression has at most 500',
      '',
    ],
    ['that is not closed', inB('${{ run.day }'), '12:34', 'has no closing }}', ''],
    ['that calculates', inB('${{ run.day || 1 }}'), '12:34', 'can\'t be read from " || 1" on', ''],
  ]);
});

describe('an expression of a map is refused', () => {
  refuse([
    [
      'in its body, that asks for its own results',
      mapOf('{ uses: task, with: { handler: h, input: "${{ steps.m.results }}" } }'),
      '13:45',
      'the step "m" has no result before it has ended',
      '',
    ],
    [
      'in its body, that looks into the place in the list',
      mapOf('{ uses: task, with: { handler: h, input: "${{ index.x }}" } }'),
      '13:45',
      'index is a number and has no parts',
      'write index',
    ],
    [
      'in its body, that names no parameter',
      mapOf('{ uses: task, with: { handler: h, input: "${{ parameters.x }}" } }'),
      '13:45',
      'there is no parameter "x"',
      'there is none',
    ],
    [
      'in the SQL of its body',
      mapOf('{ uses: sql, with: { statement: "SELECT ${{ item }}" } }'),
      '13:32',
      'the statement has an expression in it',
      '{name:Type}',
    ],
    [
      'over the item that it has yet to find',
      mapOf('{ uses: task, with: { handler: h } }').replace('steps.a.result', 'item'),
      '12:13',
      'item is known only inside of the step of a map',
      '',
    ],
  ]);
});

describe('the key of a limit is refused', () => {
  refuse([
    [
      'when it names the result of a step',
      limited('${{ steps.a.result }}'),
      '13:14',
      '"steps.a.result": steps is not known in the key of a limit',
      'begins with parameters, run',
    ],
    ['when it names needs', limited('${{ needs.a }}'), '13:14', 'needs is not known in the key of a limit', ''],
    [
      'when it names the item outside of a map',
      limited('${{ item.shop }}'),
      '13:14',
      'item is known only inside of the step of a map',
      '',
    ],
    [
      'in a map, when it names the place in the list',
      mapOf('{ uses: task, with: { handler: h }, limit: { key: "k-${{ index }}", max: 1 } }'),
      '13:56',
      '"index": index is not known in the key of a limit',
      'begins with parameters, run, item',
    ],
  ]);
});
