import type { TSchema } from 'typebox';
import { RunLogEntry, runEventsTopic } from './run-event.ts';

/** Every topic of the bus with the schema of its events; a release names each schema by digest. */
export const topicSchemas: Readonly<Record<string, TSchema>> = { [runEventsTopic]: RunLogEntry };
