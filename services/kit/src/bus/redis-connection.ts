import { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import { messageOf, OrreryError } from '../errors.ts';
import { fcall, type FunctionLibrary } from '../redis-functions.ts';
import { full, refused, unavailable } from './errors.ts';

const terminalAnswers = /^(WRONGPASS|NOAUTH|NOPERM|WRONGTYPE|ERR)/;

/** What a Redis client throws, as terminal or retryable. A lost connection, a loading server, a replica: all retryable. */
export function mapRedisError(error: unknown, doing: string): OrreryError {
  if (error instanceof OrreryError) return error;
  const message = messageOf(error);
  if (message.startsWith('OOM')) return full(`Redis is out of memory: ${message}`);
  return terminalAnswers.test(message) ? refused(doing, error) : unavailable(doing, error);
}

/** One Redis, as the bus uses it: calls of its functions, commands with mapped errors, and wake-up messages. */
export class RedisConnection {
  readonly client: Redis;
  readonly #library: FunctionLibrary;
  readonly #wakes = new EventEmitter();
  #subscriber: Redis | undefined;

  constructor(client: Redis, library: FunctionLibrary) {
    this.client = client;
    this.#library = library;
    // One listener for each open read, and one for each consumer: partitionsMax of them are no leak.
    this.#wakes.setMaxListeners(0);
  }

  async call(name: string, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    try {
      return await fcall(this.client, this.#library, { name: `${this.#library.name}_${name}`, keys, args });
    } catch (error) {
      throw mapRedisError(error, `calling ${name}`);
    }
  }

  async run<T>(doing: string, command: (client: Redis) => Promise<T>): Promise<T> {
    try {
      return await command(this.client);
    } catch (error) {
      throw mapRedisError(error, doing);
    }
  }

  /**
   * Calls `listener` with every message of the channel. Messages are hints that spare polling: one may be lost, so whoever
   * listens also looks by itself from time to time.
   */
  async listen(channel: string, listener: (message: string) => void): Promise<() => void> {
    const subscriber = this.#openSubscriber();
    this.#wakes.on(channel, listener);
    try {
      await subscriber.subscribe(channel);
    } catch (error) {
      this.#wakes.off(channel, listener);
      throw mapRedisError(error, `subscribing to ${channel}`);
    }
    return () => {
      this.#wakes.off(channel, listener);
    };
  }

  close(): void {
    this.#subscriber?.disconnect();
    this.client.disconnect();
  }

  #openSubscriber(): Redis {
    if (this.#subscriber !== undefined) return this.#subscriber;
    const subscriber = this.client.duplicate();
    subscriber.on('message', (channel: string, message: string) => this.#wakes.emit(channel, message));
    // A lost connection is retried by the client itself; without a listener the event would end the process.
    subscriber.on('error', () => undefined);
    this.#subscriber = subscriber;
    return subscriber;
  }
}
