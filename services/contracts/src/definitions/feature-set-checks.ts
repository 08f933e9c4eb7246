import { closest } from 'fastest-levenshtein';
import type { PathProblem } from '../schema-problems.ts';
import type { FeatureColumn, FeatureSet } from './feature-set.ts';

/** What the schema can't tell of a feature set: columns that must exist, names that would collide, empty ranges. */
export function checkFeatureSet(set: FeatureSet): PathProblem[] {
  return [
    ...checkDay(set),
    ...checkHidden(set),
    ...checkKeys(set),
    ...checkMeasures(set),
    ...set.features.flatMap((feature, index) => checkFeature(set, feature, index)),
  ];
}

function checkDay({ rows }: FeatureSet): PathProblem[] {
  const type = rows.columns[rows.day];
  if (type === 'Date') return [];
  const written = type === undefined ? 'is none of the columns of the rows' : `has the type ${type}`;
  const hint = `declare the day of a row under rows.columns, as "${rows.day}: Date"`;
  return [{ path: ['rows', 'day'], message: `the day "${rows.day}" ${written}`, hint }];
}

/** Neither what is predicted nor what only names a row may be readable. */
function checkHidden({ rows }: FeatureSet): PathProblem[] {
  const label = rows.label.column;
  const hint = 'delete it from rows.columns: a feature reads what is known when the row is scored';
  const problems: PathProblem[] = [];
  if (label in rows.columns) {
    const message = `the label "${label}" stands among the columns that a feature may read`;
    problems.push({ path: ['rows', 'columns', label], message, hint });
  }
  rows.identity.forEach((column, index) => {
    const path = ['rows', 'identity', index];
    if (column === label || rows.identity.indexOf(column) !== index) {
      problems.push({ path, message: `"${column}" stands here a second time`, hint: 'delete one' });
    }
    if (column in rows.columns) {
      const message = `"${column}" names a row and stands among the columns that a feature may read`;
      problems.push({ path: ['rows', 'columns', column], message, hint });
    }
  });
  return problems;
}

function checkKeys({ rows, history }: FeatureSet): PathProblem[] {
  const known = Object.keys(rows.columns).filter((column) => column !== rows.day);
  return history.keys.flatMap((key, index) => {
    const path = ['history', 'keys', index];
    if (history.keys.indexOf(key) !== index) {
      return [{ path, message: `the key "${key}" stands here a second time`, hint: 'delete one' }];
    }
    if (known.includes(key)) return [];
    const nearest = known.length > 0 ? `; did you mean "${closest(key, known)}"?` : '';
    const hint = `a row finds its past by its own columns: ${known.join(', ')}${nearest}`;
    return [{ path, message: `the key "${key}" is no column of the rows`, hint }];
  });
}

function checkMeasures({ history }: FeatureSet): PathProblem[] {
  const taken = [...history.keys, history.day, 'tenant'];
  return Object.keys(history.measures)
    .filter((measure) => taken.includes(measure))
    .map((measure) => ({
      path: ['history', 'measures', measure],
      message: `"${measure}" is a key, the day or the tenant, and can't be summed`,
      hint: 'delete it from history.measures',
    }));
}

function checkFeature(set: FeatureSet, feature: FeatureColumn, index: number): PathProblem[] {
  const { rows, features } = set;
  const path = ['features', index];
  const beside = ['tenant', rows.day, rows.label.column, ...rows.identity];
  const problems: PathProblem[] = [];
  if (beside.includes(feature.name)) {
    const message = `a feature can't be called "${feature.name}": that column stands beside the features`;
    problems.push({ path: [...path, 'name'], message, hint: `other than ${beside.join(', ')}` });
  }
  if (features.findIndex(({ name }) => name === feature.name) !== index) {
    const message = `the feature "${feature.name}" stands here a second time`;
    problems.push({ path: [...path, 'name'], message, hint: 'delete one' });
  }
  const { minimum, maximum } = feature;
  if (feature.type === 'category' && (minimum ?? maximum) !== undefined) {
    const message = `the category "${feature.name}" has bounds`;
    problems.push({ path, message, hint: 'only numbers have a minimum and a maximum' });
  }
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    const message = `no value of "${feature.name}" lies between ${minimum} and ${maximum}`;
    problems.push({ path: [...path, 'minimum'], message, hint: 'exchange the two bounds' });
  }
  return problems;
}
