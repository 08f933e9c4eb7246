import { digestOf, digestOfBytes, writeDocument, type Digest, type DigestKind } from '@orrery/contracts/digest';
import { describeBundle } from './bundle.ts';
import type { BundleFile } from './files.ts';

/** Collects what a release names, so that every digest in it is taken from the bytes that are kept. */
export class ReleaseObjects {
  readonly #contents = new Map<Digest, Buffer>();

  get contents(): readonly Buffer[] {
    return [...this.#contents.values()];
  }

  bytes(content: Buffer): Digest {
    const digest = digestOfBytes(content);
    this.#contents.set(digest, content);
    return digest;
  }

  document(kind: DigestKind, document: unknown): Digest {
    const digest = digestOf(kind, document);
    this.#contents.set(digest, Buffer.from(writeDocument(kind, document)));
    return digest;
  }

  bundle(files: readonly BundleFile[]): Digest {
    for (const file of files) this.bytes(file.content);
    return this.document('bundle', describeBundle(files).bundle);
  }
}
