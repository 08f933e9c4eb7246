import { Refusal } from './refusal.ts';
import { isWholeMark } from './symbols.ts';
import { signatures } from './values.ts';

/** Asked of any value by the SDK, to find out what it is. */
const askedOfAll = new RegExp(`^(__.*|then|toJSON|doNotCapture|deploymentOnlyModule|${signatures.key})$`);

/**
 * Inside an `apply` a program holds an output as text. Where the output is really a list or a map, `outputs.map(…)` would fail, and
 * `outputs.first` would silently be nothing. Here both are told, by name.
 */
export function guardSymbols(refuse: (refusal: Refusal) => never): void {
  const handler: ProxyHandler<object> = {
    get(target, key, receiver) {
      if (typeof key !== 'string' || typeof receiver !== 'string' || key in target || askedOfAll.test(key)) {
        return Reflect.get(target, key, receiver) as unknown;
      }
      return isWholeMark(receiver) ? refuse(misread(key)) : undefined;
    },
  };
  Object.setPrototypeOf(String.prototype, new Proxy(Object.prototype, handler));
}

function misread(key: string): Refusal {
  return new Refusal({
    code: 'OUTPUT_UNSHAPED',
    message: `the program reads "${key}" of an output inside an apply, where outputs are text`,
    hint: 'read it from the output itself (output.part.part, without an apply), or give the shape of the type in stacks/render/shapes.ts',
  });
}
