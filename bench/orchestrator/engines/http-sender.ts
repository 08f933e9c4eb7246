import { Agent, request, type OutgoingHttpHeaders } from 'node:http';

const connectionsMax = 32;

/** Posts JSON over kept connections. Plainer than `fetch`, which would cost more than the work that is measured. */
export class HttpSender {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });

  /** The answer's text. Throws when the answer says that it was refused. */
  async post(url: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<string> {
    const text = JSON.stringify(body);
    const { status, answer } = await this.#send(url, text, {
      ...{ 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      ...headers,
    });
    if (status >= 300) throw new Error(`POST ${url} gave ${status}: ${answer}`);
    return answer;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(url: string, text: string, headers: OutgoingHttpHeaders): Promise<{ status: number; answer: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(url, { method: 'POST', agent: this.#agent, headers }, (incoming) => {
        let answer = '';
        incoming.setEncoding('utf8').on('data', (part: string) => (answer += part));
        incoming.on('error', reject);
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, answer }));
      });
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }
}
