import { read } from 'node:fs';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { promisify } from 'node:util';

const readAsync = promisify(read);

/** As much as a pipe holds: more is not to be had in one read. */
const readBytes = 64 * 1024;
/** A file has more at once, but what is in the processor's cache is quicker to look at. */
const fileReadBytes = 128 * 1024;
/** Several reads go into one piece of memory, so that a line that two of them share lies whole in it. */
const slabBytes = 4 * readBytes;

/** A socket that stays as it is at its end, of which this process's own is soon to follow: to close it Node would open process.stderr. */
class Input extends Socket {
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error === null && this.readableEnded) done();
    else super._destroy(error, done);
  }
}

/**
 * The bytes of a pipe or a socket that this process was given open: what process.stdin gives, without a stream's work for each read.
 * The pieces are the caller's to keep: none is written to again.
 */
export class Pipe implements AsyncIterable<Buffer> {
  readonly #descriptor: number;
  #socket: Input | undefined;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Nothing is read before the first piece is asked for, and little more than was. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    const pieces: Buffer[] = [];
    let slab = Buffer.alloc(0);
    let filled = 0;
    let failure: Error | undefined;
    let isEnded = false;
    let wake = () => {};
    const options: SocketConstructorOpts & ConnectOpts = {
      fd: this.#descriptor,
      readable: true,
      writable: false,
      onread: {
        buffer: () => {
          if (slab.length - filled < readBytes) {
            slab = Buffer.allocUnsafeSlow(slabBytes);
            filled = 0;
          }
          return slab.subarray(filled, filled + readBytes);
        },
        callback: (length) => {
          pieces.push(slab.subarray(filled, filled + length));
          filled += length;
          wake();
          // Who waits for the piece takes it before the next comes. Two mean that it waits for something else: false stops the reading.
          return pieces.length < 2;
        },
      },
    };
    const end = () => {
      isEnded = true;
      wake();
    };
    const socket = new Input(options)
      .on('error', (error) => {
        failure = error;
      })
      .on('end', end)
      .on('close', end);
    this.#socket = socket;
    try {
      for (;;) {
        const piece = pieces.shift();
        if (piece !== undefined) yield piece;
        else if (failure !== undefined) throw failure;
        else if (isEnded) return;
        else {
          socket.resume();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      socket.destroy();
    }
  }

  /** Ends the reading at once, whoever waits for it. */
  close(): void {
    this.#socket?.destroy();
  }
}

/**
 * The bytes of a file that this process was given open, from where it stands on, as a Pipe gives them. The next piece is read while one is
 * looked at.
 */
export class OpenFile implements AsyncIterable<Buffer> {
  readonly #descriptor: number;
  #isClosed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    let slab = Buffer.alloc(0);
    let filled = 0;
    const next = async (): Promise<Buffer> => {
      if (slab.length - filled < fileReadBytes) {
        slab = Buffer.allocUnsafeSlow(slabBytes);
        filled = 0;
      }
      const { bytesRead } = await readAsync(this.#descriptor, slab, filled, fileReadBytes, null);
      filled += bytesRead;
      return slab.subarray(filled - bytesRead, filled);
    };
    let reading = next();
    for (let piece = await reading; piece.length > 0 && !this.#isClosed; piece = await reading) {
      reading = next();
      // Whoever asks for it hears of a failure.
      reading.catch(() => {});
      yield piece;
    }
  }

  /** Ends the reading: what is being read is the last. */
  close(): void {
    this.#isClosed = true;
  }
}
