import type { AdmissionRule } from './admission-rule.ts';
import { objectRules } from './object-rules.ts';
import { podRules } from './pod-rules.ts';

/** What the cluster's door refuses, whoever asks: the rules of policies/ that an object alone can be judged by. */
export const admissionRules: readonly AdmissionRule[] = [...podRules, ...objectRules];
