import type { Pipeline } from '@orrery/contracts/definitions/pipeline';
import type { DatasetFile } from './dataset-file.ts';
import { openJsonLines } from './json-lines-source.ts';
import { openParquet } from './parquet-source.ts';
import type { RowSource } from './row-source.ts';

/** Opens a file by its declared format. Throws `FILE_UNREADABLE`, or `FILE_OFF_CONTRACT` when no row of it could be accepted. */
export async function openSource(
  format: Pipeline['source']['files'][number]['format'],
  file: DatasetFile,
  contract: Pipeline['contract'],
): Promise<RowSource> {
  return format === 'parquet' ? openParquet(file, contract) : openJsonLines(file, contract);
}
