import { keyOf, sendLists, type EndingFrame, type FinishCode } from './frames.ts';

/** Endings on their way: each is handed in under its fence, over one connection after the other, until it is answered. */
export class HandIn {
  /** Not answered, over whatever connection. */
  readonly #unanswered = new Map<string, EndingFrame>();
  /** Not sent over this connection. */
  #fresh: EndingFrame[] = [];
  /** Sent over this connection; answers come in this order. */
  #awaiting: string[] = [];
  #send: ((text: string) => void) | undefined;
  #isFlushing = false;
  readonly #onAnswer: (code: FinishCode, ending: EndingFrame) => void;

  constructor(onAnswer: (code: FinishCode, ending: EndingFrame) => void) {
    this.#onAnswer = onAnswer;
  }

  get isEmpty(): boolean {
    return this.#unanswered.size === 0;
  }

  get size(): number {
    return this.#unanswered.size;
  }

  /** Everything that is open is handed in again. */
  connected(send: (text: string) => void): void {
    this.#send = send;
    this.#awaiting = [];
    this.#fresh = [...this.#unanswered.values()];
    this.#flush();
  }

  disconnected(): void {
    this.#send = undefined;
    this.#fresh = [];
    this.#awaiting = [];
  }

  /** What ends within one turn of the event loop goes in one frame. */
  add(ending: EndingFrame): void {
    this.#unanswered.set(keyOf(ending), ending);
    if (this.#send === undefined) return;
    this.#fresh.push(ending);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  answered(codes: readonly FinishCode[]): void {
    const keys = this.#awaiting.splice(0, codes.length);
    for (const [index, key] of keys.entries()) {
      const ending = this.#unanswered.get(key);
      const code = codes[index];
      this.#unanswered.delete(key);
      if (ending !== undefined && code !== undefined) this.#onAnswer(code, ending);
    }
  }

  #flush(): void {
    const send = this.#send;
    if (send === undefined || this.#fresh.length === 0) return;
    const endings = this.#fresh;
    this.#fresh = [];
    for (const ending of endings) this.#awaiting.push(keyOf(ending));
    sendLists(endings, frameOf, {
      send,
      tooLarge: (ending, reason) => send(JSON.stringify(frameOf([spoilt(ending, reason)]))),
    });
  }
}

function frameOf(endings: readonly EndingFrame[]): object {
  return { type: 'done', endings };
}

/** In the place of an ending that can't be sent: it would be the same again, so the step fails for good. */
function spoilt({ run, ref, fence }: EndingFrame, reason: string): EndingFrame {
  const error = {
    class: 'failure',
    code: 'RESULT_INVALID',
    message: `the result can't be handed in: ${reason}`.slice(0, 4000),
    hint: 'return JSON, and put what is large into the store and return its digest',
    retryable: false,
  } as const;
  return { run, ref, fence, outcome: 'failed', error };
}
