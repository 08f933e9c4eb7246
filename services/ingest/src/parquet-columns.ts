import { parquetSchema, type FileMetaData, type SchemaElement, type SchemaTree } from 'hyparquet';
import type { Column, Pipeline } from '@orrery/contracts/definitions/pipeline';

/**
 * What of a Parquet file breaks the contract for every row: a required column that is not there, an unknown one, a type that no value of
 * the column can have. Empty when rows can be judged one by one.
 */
export function checkParquetColumns(metadata: FileMetaData, contract: Pipeline['contract']): string[] {
  const children = new Map(parquetSchema(metadata).children.map((child) => [child.element.name, child]));
  const wrong = Object.entries(contract.columns).flatMap(([name, column]) => {
    const child = children.get(name);
    if (child === undefined) return column.required === false ? [] : [`it has no column "${name}"`];
    return fits(child, column.type) ? [] : [`its column "${name}" is ${describe(child)}, not ${column.type}`];
  });
  if (contract.unknownColumns === 'drop') return wrong;
  const unknown = [...children.keys()].filter((name) => !Object.hasOwn(contract.columns, name));
  return [...wrong, ...unknown.map((name) => `the contract knows no column "${name}"`)];
}

function fits(child: SchemaTree, type: Column['type']): boolean {
  const { element } = child;
  if (child.children.length > 0 || element.repetition_type === 'REPEATED') return false;
  const plain = isPlain(element);
  switch (type) {
    case 'string':
      return element.converted_type === 'UTF8' || element.logical_type?.type === 'STRING';
    case 'integer':
      return plain && (element.type === 'INT32' || element.type === 'INT64');
    case 'number':
      return plain && ['INT32', 'INT64', 'FLOAT', 'DOUBLE'].includes(element.type ?? '');
    case 'timestamp':
      return element.logical_type?.type === 'TIMESTAMP' || element.converted_type?.startsWith('TIMESTAMP_') === true;
    case 'day':
      return element.logical_type?.type === 'DATE' || element.converted_type === 'DATE';
  }
}

/** Whether the stored number is the value itself, not a time, a decimal or the like. */
function isPlain(element: SchemaElement): boolean {
  const logical = element.logical_type === undefined || element.logical_type.type === 'INTEGER';
  return logical && (element.converted_type === undefined || /^U?INT_/.test(element.converted_type));
}

function describe(child: SchemaTree): string {
  const { element } = child;
  if (child.children.length > 0) return 'nested';
  return element.logical_type?.type ?? element.converted_type ?? element.type ?? 'of no known type';
}
