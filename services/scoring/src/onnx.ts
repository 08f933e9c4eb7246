import { InferenceSession, Tensor } from 'onnxruntime-node';
import { pairBroken } from './errors.ts';

/** An exported model in memory: `rows` vectors of `width` numbers in, one number a row out. */
export interface Predictor {
  run(vectors: Float32Array, rows: number, width: number): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function loadOnnx(pair: string, bytes: Uint8Array, threads: number): Promise<Predictor> {
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const [input] = session.inputNames;
  const [output] = session.outputNames;
  if (input === undefined || output === undefined) throw pairBroken(pair, 'model.onnx has no input or no output');
  return {
    async run(vectors, rows, width) {
      const answer = await session.run({ [input]: new Tensor('float32', vectors, [rows, width]) });
      const data = answer[output]?.data;
      if (data instanceof Float32Array && data.length === rows) return data;
      throw pairBroken(pair, `model.onnx answers no column of ${rows} numbers`);
    },
    close: () => session.release(),
  };
}
