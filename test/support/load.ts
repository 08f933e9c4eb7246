import { Agent, request } from 'node:http';

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly body: unknown;
  readonly connections: number;
}

export interface LoadResult {
  readonly answered: number;
  /** Every request that was not answered by 200, with the reason. Nothing is ever retried. */
  readonly failed: readonly string[];
  /** The different bodies that came, in the order in which they first came. */
  readonly bodies: readonly string[];
}

/** Sends one request after the other on each connection until it is stopped. */
export function startLoad(options: LoadOptions): { answered(): number; stop(): Promise<LoadResult> } {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const bodies = new Set<string>();
  const failed: string[] = [];
  let answered = 0;
  let stopping = false;

  const one = () =>
    new Promise<void>((resolve) => {
      const headers = { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' };
      const outgoing = request(options.url, { method: 'POST', agent, headers }, (incoming) => {
        let text = '';
        incoming.setEncoding('utf8').on('data', (part: string) => (text += part));
        incoming.on('error', (error) => failed.push(error.message));
        incoming.on('end', () => {
          if (incoming.statusCode === 200) bodies.add(text);
          else failed.push(`${incoming.statusCode ?? 0} ${text}`);
          answered += 1;
          resolve();
        });
      });
      outgoing.on('error', (error) => {
        failed.push(error.message);
        resolve();
      });
      outgoing.end(JSON.stringify(options.body));
    });
  const loop = async () => {
    while (!stopping) await one();
  };
  const loops = Array.from({ length: options.connections }, loop);
  return {
    answered: () => answered,
    async stop() {
      stopping = true;
      await Promise.all(loops);
      agent.destroy();
      return { answered, failed, bodies: [...bodies] };
    },
  };
}
